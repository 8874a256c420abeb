//! `Span`: a span that is being recorded.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::attribute::Newest;
use telemetry::trace::StatusCode;

use super::arguments::EscapedText;
use super::content::Content;
use super::event::EventRecord;
use super::exception;
use super::identity::Identity;
use super::links::{bounded_link_attributes, is_valid_link};
use super::lookalike::edits::{Edits, Processor};
use super::lookalike::{overridden, recording};
use super::processing;
use super::readable::{ReadableSpan, State};
use super::scope::Attachment;
use super::settings::Settings;
use super::status::{Status, status_code_of};
use crate::convert::value::{self, AttributeMap};
use crate::export::pipeline::{self, Pipeline};
use crate::imports::official::Official;
use crate::process::clock::{now_unix_nanos, unix_nanos};
use crate::process::diagnostics;
use crate::threads::guarded::{Guard, Guarded};

#[pyclass(frozen, subclass, extends = ReadableSpan, module = "opentelemetry.sdk.trace")]
pub(crate) struct Span {
    record_exception: AtomicBool,
    set_status_on_exception: AtomicBool,
    /// Where `start_as_current_span` attached the span; see `scope.rs`.
    pub(crate) attachment: Guarded<Attachment>,
}

/// The class of all spans that tracers make.
#[pyclass(frozen, subclass, extends = Span, name = "_Span", module = "opentelemetry.sdk.trace")]
pub(crate) struct RecordingSpan;

/// What a tracer knows of a span that it is about to start.
pub(crate) struct NewSpan {
    pub(crate) identity: Option<Identity>,
    pub(crate) parent: Option<Identity>,
    pub(crate) name: Py<PyAny>,
    pub(crate) kind: u8,
    pub(crate) attributes: AttributeMap,
    pub(crate) events: Newest<EventRecord>,
    pub(crate) links: Newest<Py<PyAny>>,
    pub(crate) start_unix_nanos: Option<u64>,
    pub(crate) record_exception: bool,
    pub(crate) set_status_on_exception: bool,
    pub(crate) edits: Option<Box<Edits>>,
}

impl NewSpan {
    #[inline]
    pub(crate) fn into_initializer(self, settings: Py<Settings>) -> PyClassInitializer<Span> {
        let state = State {
            name: self.name,
            start_unix_nanos: self.start_unix_nanos,
            end_unix_nanos: None,
            status: Status::default(),
            attributes: Content::Native(self.attributes),
            events: Content::Native(self.events),
            links: Content::Native(self.links),
            edits: self.edits,
        };
        let base = ReadableSpan::recording(self.identity, self.parent, self.kind, settings, state);
        PyClassInitializer::from(base).add_subclass(Span {
            record_exception: AtomicBool::new(self.record_exception),
            set_status_on_exception: AtomicBool::new(self.set_status_on_exception),
            attachment: Guarded::default(),
        })
    }

    pub(crate) fn create(
        self,
        py: Python<'_>,
        settings: Py<Settings>,
    ) -> PyResult<Bound<'_, Span>> {
        let initializer = self.into_initializer(settings).add_subclass(RecordingSpan);
        Ok(Bound::new(py, initializer)?.into_super())
    }
}

impl Span {
    /// Whether a scope of the span ended where it could not undo its attach.
    pub(crate) fn is_unfinished(&self, py: Python<'_>) -> bool {
        self.attachment.lock(py).unfinished.is_some()
    }

    pub(crate) fn set_unfinished(&self, py: Python<'_>, token: Py<PyAny>) {
        let replaced = self.attachment.lock(py).unfinished.replace(token);
        drop(replaced);
    }

    pub(crate) fn records_exceptions(&self) -> bool {
        self.record_exception.load(Ordering::Relaxed)
    }

    pub(crate) fn sets_status_on_exception(&self) -> bool {
        self.set_status_on_exception.load(Ordering::Relaxed)
    }
}

/// The parts of a span that its methods need.
struct Parts<'a> {
    base: &'a ReadableSpan,
    settings: &'a Settings,
}

fn parts<'a>(span: &'a Bound<'_, Span>) -> PyResult<Parts<'a>> {
    let base = span.as_super().get();
    match base.settings() {
        Some(settings) => Ok(Parts { base, settings }),
        None => Err(not_by_a_tracer()),
    }
}

fn not_by_a_tracer() -> PyErr {
    PyTypeError::new_err("Span must be instantiated via a tracer.")
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

impl<'a> Parts<'a> {
    /// The state of a span that has not ended.
    fn lock_recording(&self, py: Python<'a>) -> Option<Guard<'a, State>> {
        let state = self.base.lock(py);
        state.end_unix_nanos.is_none().then_some(state)
    }
}

fn warn_ended(py: Python<'_>, method: &str) {
    diagnostics::warn(
        py,
        diagnostics::TRACE,
        "Tried calling %s on an ended span.",
        (method,),
    );
}

fn warn_attribute_on_ended(py: Python<'_>) {
    diagnostics::warn(
        py,
        diagnostics::TRACE,
        "Setting attribute on ended span.",
        (),
    );
}

// The attributes that Python code has seen are frozen when another thread ends the span.
fn unless_ended(span: &Bound<'_, Span>, set: PyResult<()>) -> PyResult<()> {
    if set.is_err() && !is_recording(span) {
        warn_attribute_on_ended(span.py());
        return Ok(());
    }
    set
}

/// Whether the span has not ended yet.
pub(crate) fn is_recording(span: &Bound<'_, Span>) -> bool {
    let state = span.as_super().get().lock(span.py());
    state.end_unix_nanos.is_none()
}

/// Sets an attribute if nothing about it, or about the span, is unusual. False: nothing was done.
#[inline]
pub(crate) fn set_plain_attribute(
    span: &Bound<'_, Span>,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
) -> bool {
    let base = span.as_super().get();
    let Some(settings) = base.settings() else {
        return false;
    };
    let limits = &settings.limits;
    if limits.span_attribute_length.is_some() || !value::is_plain(value) {
        return false;
    }
    let py = span.py();
    let mut state = base.lock(py);
    if state.end_unix_nanos.is_some() {
        return false;
    }
    let Content::Native(map) = &mut state.attributes else {
        return false;
    };
    if limits.attributes.is_some_and(|limit| map.len() >= limit) {
        return false;
    }
    let Some(pair) = value::plain_pair(key, value) else {
        return false;
    };
    let displaced = value::insert(map, pair);
    drop(state);
    value::release(py, displaced);
    true
}

/// Appends an event unless the span has ended.
pub(crate) fn push_event(span: &Bound<'_, Span>, event: EventRecord) -> PyResult<()> {
    let py = span.py();
    let parts = parts(span)?;
    let Some(mut state) = parts.lock_recording(py) else {
        warn_ended(py, "_add_event");
        return Ok(());
    };
    match &mut state.events {
        Content::Native(events) => {
            let leaving = events.push(event);
            drop(state);
            drop(leaving);
        }
        Content::Python(list) => {
            let list = list.bind(py).clone();
            drop(state);
            let event = event.object(py, Some(&parts.settings.limits))?;
            list.call_method1("append", (event,))?;
        }
    }
    Ok(())
}

/// Sets the status by the specification's rules.
pub(crate) fn set_status(span: &Bound<'_, Span>, status: Status) -> PyResult<()> {
    let py = span.py();
    let Some(mut state) = parts(span)?.lock_recording(py) else {
        warn_ended(py, "set_status");
        return Ok(());
    };
    if state.status.code.accepts(status.code) {
        let replaced = std::mem::replace(&mut state.status, status);
        drop(state);
        drop(replaced);
    }
    Ok(())
}

/// Ends the span now, or at the given time, and hands it on.
pub(crate) fn end(span: &Bound<'_, Span>, end_unix_nanos: Option<u64>) -> PyResult<()> {
    let py = span.py();
    let Parts { base, settings } = parts(span)?;
    let (edited_attributes, edits) = {
        let mut state = base.lock(py);
        if state.start_unix_nanos.is_none() {
            drop(state);
            return Err(PyRuntimeError::new_err(
                "Calling end() on a not started span.",
            ));
        }
        if state.end_unix_nanos.is_some() {
            drop(state);
            diagnostics::warn(
                py,
                diagnostics::TRACE,
                "Calling end() on an ended span.",
                (),
            );
            return Ok(());
        }
        state.end_unix_nanos = Some(end_unix_nanos.unwrap_or_else(now_unix_nanos));
        let attributes = match &state.attributes {
            Content::Native(_) => None,
            Content::Python(object) => Some(object.bind(py).clone()),
        };
        let edits = state.edits.as_ref().map(|edits| {
            let processor = edits.processor.as_ref();
            let record_end = edits.record_end.as_ref();
            (
                processor.map(|processor| processor.pipeline.clone_ref(py)),
                record_end.map(|record_end| record_end.bind(py).clone()),
            )
        });
        (attributes, edits)
    };
    if let Some(attributes) = edited_attributes {
        // Whatever Python code has put there, failing to freeze it harms nobody.
        let _ = attributes.setattr("_immutable", true);
    }
    if let Some(counts) = &settings.counts
        && let Some(identity) = base.identity()
    {
        counts.end(identity.context.is_sampled());
    }
    let (pipeline, record_end) = edits.unwrap_or_default();
    if let Some(record_end) = record_end {
        record_end.call0()?;
    }
    let pipeline = pipeline.as_ref().unwrap_or(&settings.pipeline);
    processing::on_end(pipeline.get().present(), span.as_super())
}

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
        match &mut state.attributes {
            Content::Native(map) => match pair {
                Some(pair) => {
                    let displaced = value::insert(map, pair);
                    drop(state);
                    value::warn_if_full(py, &displaced);
                }
                None => map.count_dropped(1),
            },
            Content::Python(attributes) => {
                let attributes = attributes.bind(py).clone();
                drop(state);
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
        match &mut state.attributes {
            Content::Native(map) => {
                map.count_dropped(dropped);
                let displaced: Vec<_> = pairs
                    .into_iter()
                    .map(|pair| value::insert(map, pair))
                    .collect();
                drop(state);
                for displaced in &displaced {
                    value::warn_if_full(py, displaced);
                }
            }
            Content::Python(edited) => {
                let edited = edited.bind(py).clone();
                drop(state);
                let set = edited.call_method1("_set_items", (attributes,));
                unless_ended(slf, set.map(drop))?;
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
        push_event(slf, event)
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
    #[expect(clippy::needless_pass_by_value, reason = "an argument with a default")]
    fn record_exception(
        slf: &Bound<'_, Self>,
        exception: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        timestamp: Option<&Bound<'_, PyAny>>,
        escaped: EscapedText,
    ) -> PyResult<()> {
        let limits = &parts(slf)?.settings.limits;
        let event = exception::event(
            exception,
            attributes,
            unix_nanos(timestamp),
            &escaped.of(slf.py()),
            limits,
        )?;
        push_event(slf, event)
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

    fn update_name(slf: &Bound<'_, Self>, name: Py<PyAny>) -> PyResult<()> {
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
        let Parts { base, settings } = parts(slf)?;
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
            settings.pipeline.get().present(),
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
        let Parts { base, settings } = parts(slf)?;
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
        let Parts { base, settings } = parts(slf)?;
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
    #[expect(clippy::unused_self, reason = "an attribute of the official class")]
    const fn _trace_config(&self) -> Option<bool> {
        None
    }
}
