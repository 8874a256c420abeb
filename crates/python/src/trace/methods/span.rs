//! `Span` as Python code calls it.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::trace::StatusCode;

use super::arguments::EscapedText;
use crate::convert::bounded_attributes::dropped_of;
use crate::convert::value;
use crate::export::pipeline::{self, Pipeline};
use crate::imports::official::Official;
use crate::process::clock::{now_unix_nanos, unix_nanos};
use crate::process::diagnostics;
use crate::trace::content::Content;
use crate::trace::event::EventRecord;
use crate::trace::links::{bounded_link_attributes, is_valid_link};
use crate::trace::lookalike::edits::Processor;
use crate::trace::lookalike::overridden::{self, SpanMethod};
use crate::trace::lookalike::recording;
use crate::trace::readable::{ReadableSpan, SpanState};
use crate::trace::shown;
use crate::trace::span::{
    Span, SpanParts, end, is_recording, not_by_a_tracer, parts, set_status, warn_ended,
};
use crate::trace::status::{Status, status_code_of};
use crate::trace::{exception, processing};

#[pymethods]
impl Span {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*arguments, **options))]
    fn new(
        class: &Bound<'_, PyType>,
        arguments: &Bound<'_, PyTuple>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        if class.is(class.py().get_type::<Self>()) {
            return Err(not_by_a_tracer());
        }
        recording::from_arguments(arguments, options)
    }

    /// Appends an event that is made already.
    fn _add_event(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        append(slf, "_add_event", event, ReadableSpan::private_events)
    }

    /// Appends a link that is made already.
    fn _add_link(slf: &Bound<'_, Self>, link: &Bound<'_, PyAny>) -> PyResult<()> {
        append(slf, "_add_link", link, ReadableSpan::private_links)
    }

    fn set_attribute(
        slf: &Bound<'_, Self>,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = slf.py();
        let parts = parts(slf)?;
        let limits = &parts.settings.limits;
        // With no room at all the value is not even looked at.
        let pair = match limits.attributes {
            Some(0) => None,
            _ => value::clean_pair(key, value, limits.span_attribute_length),
        };
        let Some(mut state) = parts.lock_recording(py) else {
            warn_attribute_on_ended(py);
            return Ok(());
        };
        let SpanState {
            attributes, shown, ..
        } = &mut *state;
        match attributes {
            Content::Native(map) => match pair {
                Some(pair) => {
                    let leaving = shown::insert(py, map, shown, pair);
                    drop(state);
                    value::warn_if_full(py, &leaving.displaced);
                }
                None => map.count_dropped(1),
            },
            Content::Python(attributes) => {
                let attributes = attributes.bind(py).clone();
                drop(state);
                // What has been cleaned is bounded; the container says what is wrong with a key.
                let value = pair.as_ref().map_or(value, |(_, _, value)| value.bind(py));
                unless_ended(slf, attributes.set_item(key, value))?;
            }
        }
        Ok(())
    }

    fn set_attributes(slf: &Bound<'_, Self>, attributes: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let parts = parts(slf)?;
        let limits = &parts.settings.limits;
        let (pairs, dropped) = match limits.attributes {
            Some(0) => (
                Vec::new(),
                u32::try_from(attributes.len()?).unwrap_or(u32::MAX),
            ),
            _ => value::clean_pairs(attributes, limits.span_attribute_length)?,
        };
        let Some(mut state) = parts.lock_recording(py) else {
            warn_attribute_on_ended(py);
            return Ok(());
        };
        let SpanState {
            attributes: own,
            shown,
            ..
        } = &mut *state;
        match own {
            Content::Native(map) => {
                map.count_dropped(dropped);
                let leaving: Vec<_> = pairs
                    .into_iter()
                    .map(|pair| shown::insert(py, map, shown, pair))
                    .collect();
                drop(state);
                for leaving in &leaving {
                    value::warn_if_full(py, &leaving.displaced);
                }
            }
            Content::Python(edited) => {
                let edited = edited.bind(py).clone();
                drop(state);
                let cleaned = PyDict::new(py);
                for (_, key, value) in pairs {
                    cleaned.set_item(key, value)?;
                }
                let set = set_items(&edited, &cleaned);
                if dropped > 0 {
                    let all = dropped_of(&edited).saturating_add(dropped);
                    edited.setattr("dropped", all)?;
                }
                unless_ended(slf, set)?;
            }
        }
        Ok(())
    }

    #[pyo3(signature = (name, attributes=None, timestamp=None))]
    fn add_event(
        slf: &Bound<'_, Self>,
        name: Py<PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        timestamp: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let limits = &parts(slf)?.settings.limits;
        let event = EventRecord {
            name,
            time_unix_nanos: unix_nanos(timestamp).unwrap_or_else(now_unix_nanos),
            attributes: value::new_map(
                attributes,
                limits.event_attributes,
                limits.attribute_length,
            )?,
        };
        overridden::append_event(slf, event)
    }

    #[pyo3(signature = (context, attributes=None))]
    fn add_link(
        slf: &Bound<'_, Self>,
        context: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let parts = parts(slf)?;
        let none = py.None().into_bound(py);
        let attributes = attributes.unwrap_or(&none);
        if !is_valid_link(context, attributes)? {
            return Ok(());
        }
        let bounded = bounded_link_attributes(attributes, &parts.settings.limits)?;
        let link = Official::get(py)?.link.bind(py).call1((context, bounded))?;
        if !overridden::is_own(slf, SpanMethod::AppendLink) {
            return slf
                .call_method1(intern!(py, "_add_link"), (link,))
                .map(drop);
        }
        let Some(mut state) = parts.lock_recording(py) else {
            warn_ended(py, "_add_link");
            return Ok(());
        };
        match &mut state.links {
            Content::Native(links) => {
                let leaving = links.push(link.unbind());
                drop(state);
                drop(leaving);
            }
            Content::Python(list) => {
                let list = list.bind(py).clone();
                drop(state);
                list.call_method1("append", (link,))?;
            }
        }
        Ok(())
    }

    #[pyo3(signature = (exception, attributes=None, timestamp=None, escaped=EscapedText(None)),
        text_signature = "($self, exception, attributes=None, timestamp=None, escaped=False)")]
    fn record_exception(
        slf: &Bound<'_, Self>,
        exception: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        timestamp: Option<&Bound<'_, PyAny>>,
        escaped: EscapedText,
    ) -> PyResult<()> {
        exception::record(slf, exception, attributes, timestamp, &escaped.of(slf.py()))
    }

    #[pyo3(signature = (status, description=None))]
    fn set_status(
        slf: &Bound<'_, Self>,
        status: &Bound<'_, PyAny>,
        description: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let official = Official::get(py)?;
        if status.is_instance(official.status.bind(py))? {
            let new = Status::from_object(status)?;
            if let Some(description) = description {
                let is_taken = parts(slf)?
                    .lock_recording(py)
                    .is_some_and(|state| state.status.code.accepts(new.code));
                if is_taken {
                    diagnostics::warn(
                        py,
                        diagnostics::TRACE,
                        "Description %s ignored. Use either `Status` or `(StatusCode, Description)`",
                        (description,),
                    );
                }
            }
            return set_status(slf, new);
        }
        if !status.is_instance(official.status_code.bind(py))? {
            return Ok(());
        }
        let code = status_code_of(status)?;
        let is_ignored = parts(slf)?
            .lock_recording(py)
            .is_some_and(|state| !state.status.code.accepts(code));
        if is_ignored {
            // The official class, which says what it thinks of descriptions, is not even made.
            return Ok(());
        }
        let new = match description {
            // The official class decides which descriptions it keeps.
            Some(description) if code != StatusCode::Unset => {
                Status::from_object(&official.status.bind(py).call1((status, description))?)?
            }
            _ => Status {
                code,
                ..Status::default()
            },
        };
        set_status(slf, new)
    }

    pub(crate) fn update_name(slf: &Bound<'_, Self>, name: Py<PyAny>) -> PyResult<()> {
        let Some(mut state) = parts(slf)?.lock_recording(slf.py()) else {
            warn_ended(slf.py(), "update_name");
            return Ok(());
        };
        let replaced = std::mem::replace(&mut state.name, name);
        drop(state);
        drop(replaced);
        Ok(())
    }

    #[pyo3(name = "is_recording")]
    fn is_recording_method(slf: &Bound<'_, Self>) -> bool {
        is_recording(slf)
    }

    #[pyo3(signature = (start_time=None, parent_context=None))]
    fn start(
        slf: &Bound<'_, Self>,
        start_time: Option<&Bound<'_, PyAny>>,
        parent_context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let start_unix_nanos = unix_nanos(start_time).unwrap_or_else(now_unix_nanos);
        let SpanParts { base, settings } = parts(slf)?;
        {
            let mut state = base.lock(py);
            if state.start_unix_nanos.is_some() {
                drop(state);
                diagnostics::warn(
                    py,
                    diagnostics::TRACE,
                    "Calling start() on a started span.",
                    (),
                );
                return Ok(());
            }
            state.start_unix_nanos = Some(start_unix_nanos);
        }
        processing::on_start(
            settings.pipeline.get().present(py)?,
            slf.as_super(),
            parent_context,
        )
    }

    #[pyo3(signature = (end_time=None))]
    fn end(slf: &Bound<'_, Self>, end_time: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        end(slf, unix_nanos(end_time))
    }

    fn __enter__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }

    #[pyo3(signature = (exc_type, exc_val, exc_tb))]
    fn __exit__(
        slf: &Bound<'_, Self>,
        exc_type: &Bound<'_, PyAny>,
        exc_val: &Bound<'_, PyAny>,
        exc_tb: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let _ = (exc_type, exc_tb);
        if !exc_val.is_none() && is_recording(slf) {
            exception::note(slf, exc_val, slf.get(), true)?;
        }
        overridden::end(slf)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let base = slf.as_super();
        let name = base.get().lock(py).name.clone_ref(py);
        let context = base.call_method0("get_span_context")?;
        Ok(format!(
            "{}(name=\"{}\", context={})",
            slf.get_type().name()?,
            name.bind(py).str()?,
            context.str()?
        ))
    }

    fn _readable_span<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.attachment.peek(&visit) {
            Some(attachment) => attachment.traverse(&visit),
            None => Ok(()),
        }
    }

    fn __clear__(&self, py: Python<'_>) {
        let released = std::mem::take(&mut *self.attachment.lock(py));
        drop(released);
    }

    #[getter]
    fn _span_processor(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let SpanParts { base, settings } = parts(slf)?;
        let py = slf.py();
        let state = base.lock(py);
        let edited = state
            .edits
            .as_ref()
            .and_then(|edits| edits.processor.as_ref());
        Ok(edited
            .map_or(&settings.processor, |processor| &processor.object)
            .clone_ref(py))
    }

    #[setter(_span_processor)]
    fn set_span_processor(slf: &Bound<'_, Self>, processor: &Bound<'_, PyAny>) -> PyResult<()> {
        let edited = Processor {
            object: processor.clone().unbind(),
            pipeline: Pipeline::of_processor(&pipeline::SPANS, processor)?,
        };
        let base = slf.as_super().get();
        base.edit(slf.py(), |edits| &mut edits.processor, Some(edited));
        Ok(())
    }

    #[getter]
    fn _sampler(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let SpanParts { base, settings } = parts(slf)?;
        let py = slf.py();
        let state = base.lock(py);
        let edited = state
            .edits
            .as_ref()
            .and_then(|edits| edits.sampler.as_ref());
        Ok(edited.unwrap_or(&settings.sampler).clone_ref(py))
    }

    #[setter(_sampler)]
    fn set_sampler(slf: &Bound<'_, Self>, sampler: Py<PyAny>) {
        let base = slf.as_super().get();
        base.edit(slf.py(), |edits| &mut edits.sampler, Some(sampler));
    }

    #[getter]
    fn _record_exception(&self) -> bool {
        self.records_exceptions()
    }

    #[setter(_record_exception)]
    fn set_record_exception(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.record_exception
            .store(value.is_truthy()?, Ordering::Relaxed);
        Ok(())
    }

    #[getter]
    fn _set_status_on_exception(&self) -> bool {
        self.sets_status_on_exception()
    }

    #[setter(_set_status_on_exception)]
    fn set_set_status_on_exception(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set_status_on_exception
            .store(value.is_truthy()?, Ordering::Relaxed);
        Ok(())
    }

    /// The limits that its tracer was made with.
    #[getter]
    fn _limits(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(parts(slf)?.settings.span_limits.clone_ref(slf.py()))
    }

    /// Unused, as it is officially.
    #[getter]
    const fn _trace_config(&self) -> Option<bool> {
        None
    }
}

// Appends to the Python container that `container` gives, unless the span has ended.
fn append<'py>(
    span: &Bound<'py, Span>,
    method: &str,
    item: &Bound<'py, PyAny>,
    container: fn(&ReadableSpan, Python<'py>) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<()> {
    let py = span.py();
    if !is_recording(span) {
        warn_ended(py, method);
        return Ok(());
    }
    container(span.as_super().get(), py)?.call_method1("append", (item,))?;
    Ok(())
}

fn warn_attribute_on_ended(py: Python<'_>) {
    diagnostics::warn(
        py,
        diagnostics::TRACE,
        "Setting attribute on ended span.",
        (),
    );
}

/// Sets them all in a `BoundedAttributes`: at once, where the version of the API can.
fn set_items(attributes: &Bound<'_, PyAny>, items: &Bound<'_, PyDict>) -> PyResult<()> {
    let name = intern!(attributes.py(), "_set_items");
    if attributes.hasattr(name)? {
        return attributes.call_method1(name, (items,)).map(drop);
    }
    for (key, value) in items {
        attributes.set_item(key, value)?;
    }
    Ok(())
}

// The attributes that Python code has seen are frozen when another thread ends the span.
fn unless_ended(span: &Bound<'_, Span>, set: PyResult<()>) -> PyResult<()> {
    if set.is_err() && !is_recording(span) {
        warn_attribute_on_ended(span.py());
        return Ok(());
    }
    set
}
