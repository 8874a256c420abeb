//! `Span`: a span that is being recorded.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};
use telemetry::attribute::Newest;
use telemetry::trace::StatusCode;

use super::event::EventRecord;
use super::exception::{self, EscapedText};
use super::identity::Identity;
use super::processing;
use super::readable::{
    Content, ReadableSpan, State, Status, bounded_attributes, kind_of, status_code_of,
};
use super::settings::{self, Limits, Settings};
use super::tracer::truth;
use crate::diagnostics::{self, Seldom};
use crate::guarded::{Guard, Guarded};
use crate::official::Official;
use crate::pipeline::{self, Pipeline};
use crate::replaceable::Replaceable;
use crate::value::{self, AttributeMap};

#[pyclass(frozen, subclass, extends = ReadableSpan, module = "opentelemetry.sdk.trace")]
pub(crate) struct Span {
    record_exception: bool,
    set_status_on_exception: bool,
    /// Where `start_as_current_span` attached the span; see `scope.rs`.
    pub(crate) attachment: Guarded<Attachment>,
}

/// The scope that made a span current.
#[derive(Default)]
pub(crate) struct Attachment {
    /// The context that was current before.
    pub(crate) previous: Option<Py<PyAny>>,
    /// The token of an attach that could not be undone where the scope ended.
    pub(crate) unfinished: Option<Py<PyAny>>,
}

/// The class of all spans that tracers make.
#[pyclass(frozen, subclass, extends = Span, name = "_Span", module = "opentelemetry.sdk.trace")]
pub(crate) struct RecordingSpan;

/// What a tracer knows of a span that it is about to start.
pub(crate) struct NewSpan {
    pub(crate) identity: Identity,
    pub(crate) parent: Option<Identity>,
    pub(crate) name: Py<PyAny>,
    pub(crate) kind: u8,
    pub(crate) attributes: AttributeMap,
    pub(crate) events: Newest<EventRecord>,
    pub(crate) links: Newest<Py<PyAny>>,
    pub(crate) start_unix_nanos: Option<u64>,
    pub(crate) record_exception: bool,
    pub(crate) set_status_on_exception: bool,
}

impl NewSpan {
    fn into_initializer(self, settings: Arc<Settings>) -> PyClassInitializer<RecordingSpan> {
        let state = State {
            name: self.name,
            start_unix_nanos: self.start_unix_nanos,
            end_unix_nanos: None,
            status: Status::default(),
            attributes: Content::Native(self.attributes),
            events: Content::Native(self.events),
            links: Content::Native(self.links),
            resource: None,
        };
        let base = ReadableSpan::recording(self.identity, self.parent, self.kind, settings, state);
        PyClassInitializer::from(base)
            .add_subclass(Span {
                record_exception: self.record_exception,
                set_status_on_exception: self.set_status_on_exception,
                attachment: Guarded::default(),
            })
            .add_subclass(RecordingSpan)
    }

    pub(crate) fn create(
        self,
        py: Python<'_>,
        settings: Arc<Settings>,
    ) -> PyResult<Bound<'_, Span>> {
        Ok(Bound::new(py, self.into_initializer(settings))?.into_super())
    }
}

// The events that a span built by hand begins with.
fn given_events(
    events: Option<&Bound<'_, PyAny>>,
    limits: &Limits,
) -> PyResult<Newest<EventRecord>> {
    let mut kept = Newest::new(limits.events);
    let Some(events) = events else {
        return Ok(kept);
    };
    for event in events.try_iter()? {
        let event = event?;
        let attributes = event.getattr("attributes")?;
        let given = if attributes.is_none() {
            None
        } else {
            Some(&attributes)
        };
        kept.push(EventRecord {
            name: event.getattr("name")?.unbind(),
            time_unix_nanos: event.getattr("timestamp")?.extract()?,
            attributes: value::new_map(given, limits.event_attributes, limits.attribute_length)?,
        });
    }
    Ok(kept)
}

/// The links that a span begins with: valid ones, their attributes bounded in place.
pub(crate) fn new_links(
    links: Option<&Bound<'_, PyAny>>,
    limits: &Limits,
) -> PyResult<Newest<Py<PyAny>>> {
    let mut kept = Newest::new(limits.links);
    let Some(links) = links else { return Ok(kept) };
    if links.is_none() || links.cast::<PyTuple>().is_ok_and(|links| links.is_empty()) {
        return Ok(kept);
    }
    for link in links.try_iter()? {
        let link = link?;
        if !link.is_truthy()? {
            continue;
        }
        let attributes = link.getattr("attributes")?;
        if is_valid_link(&link.getattr("context")?, &attributes)? {
            link.setattr("_attributes", bounded_link_attributes(&attributes, limits)?)?;
            kept.push(link.unbind());
        }
    }
    Ok(kept)
}

// A link with an invalid context says something only by its attributes or its trace state.
fn is_valid_link(context: &Bound<'_, PyAny>, attributes: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(context.is_truthy()?
        && (context.getattr("is_valid")?.is_truthy()?
            || attributes.is_truthy()?
            || context.getattr("trace_state")?.is_truthy()?))
}

fn bounded_link_attributes<'py>(
    attributes: &Bound<'py, PyAny>,
    limits: &Limits,
) -> PyResult<Bound<'py, PyAny>> {
    let given = if attributes.is_none() {
        None
    } else {
        Some(attributes)
    };
    let map = value::new_map(given, limits.link_attributes, limits.attribute_length)?;
    bounded_attributes(
        attributes.py(),
        &map,
        limits.link_attributes,
        limits.attribute_length,
        true,
    )
}

/// Now, in nanoseconds since 1970.
pub(crate) fn now_unix_nanos() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| {
            u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
        })
}

/// A timestamp argument: an integer in nanoseconds; a float is cut. Anything else is as if it had
/// not been given, which is said.
pub(crate) fn unix_nanos(time: Option<&Bound<'_, PyAny>>) -> Option<u64> {
    static WRONG: Seldom = Seldom::new();
    let time = time.filter(|time| !time.is_none())?;
    if let Ok(nanos) = time.extract::<u64>() {
        return Some(nanos);
    }
    match time.extract::<f64>() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "cutting is what is wanted"
        )]
        Ok(nanos) if nanos >= 0.0 => Some(nanos as u64),
        _ => {
            if WRONG.is_due() {
                diagnostics::warn(
                    time.py(),
                    diagnostics::TRACE,
                    "A time must be a number of nanoseconds since 1970, not %r. Using the present time.",
                    (time,),
                );
            }
            None
        }
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
        self.record_exception
    }

    pub(crate) fn sets_status_on_exception(&self) -> bool {
        self.set_status_on_exception
    }
}

/// The parts of a span that its methods need.
struct Parts<'a> {
    base: &'a ReadableSpan,
    settings: &'a Arc<Settings>,
}

fn parts<'a>(span: &'a Bound<'_, Span>) -> PyResult<Parts<'a>> {
    let base = span.as_super().get();
    match base.settings() {
        Some(settings) => Ok(Parts { base, settings }),
        None => Err(PyTypeError::new_err(
            "Span must be instantiated via a tracer.",
        )),
    }
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
    let edited_attributes = {
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
        match &state.attributes {
            Content::Native(_) => None,
            Content::Python(object) => Some(object.bind(py).clone()),
        }
    };
    if let Some(attributes) = edited_attributes {
        // Whatever Python code has put there, failing to freeze it harms nobody.
        let _ = attributes.setattr("_immutable", true);
    }
    if let Some(counts) = &settings.counts
        && let Some(identity) = &base.identity
    {
        counts.end(identity.context.is_sampled());
    }
    processing::on_end(settings.pipeline.get(), span.as_super())
}

#[pymethods]
impl Span {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(
        _class: &Bound<'_, PyType>,
        _arguments: &Bound<'_, PyTuple>,
        _options: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        Err(PyTypeError::new_err(
            "Span must be instantiated via a tracer.",
        ))
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
                attributes.set_item(key, value)?;
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
                edited.call_method1("_set_items", (attributes,))?;
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
        processing::on_start(settings.pipeline.get(), slf.as_super(), parent_context)
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
        end(slf, None)
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

    #[getter]
    fn _span_processor(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(parts(slf)?.settings.processor.clone_ref(slf.py()))
    }

    #[getter]
    fn _sampler(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(parts(slf)?.settings.sampler.clone_ref(slf.py()))
    }

    #[getter]
    fn _record_exception(&self) -> bool {
        self.record_exception
    }

    #[getter]
    fn _set_status_on_exception(&self) -> bool {
        self.set_status_on_exception
    }
}

#[pymethods]
impl RecordingSpan {
    #[new]
    #[pyo3(signature = (name, context, parent=None, sampler=None, trace_config=None, resource=None, attributes=None,
        events=None, links=None, kind=None, span_processor=None, instrumentation_info=None, record_exception=true,
        set_status_on_exception=true, limits=None, instrumentation_scope=None, *, record_end_metrics=None))]
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    fn new(
        py: Python<'_>,
        name: Py<PyAny>,
        context: &Bound<'_, PyAny>,
        parent: Option<&Bound<'_, PyAny>>,
        sampler: Option<Py<PyAny>>,
        trace_config: Option<Py<PyAny>>,
        resource: Option<Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyAny>>,
        events: Option<&Bound<'_, PyAny>>,
        links: Option<&Bound<'_, PyAny>>,
        kind: Option<&Bound<'_, PyAny>>,
        span_processor: Option<Bound<'_, PyAny>>,
        instrumentation_info: Option<Py<PyAny>>,
        #[pyo3(from_py_with = truth)] record_exception: bool,
        #[pyo3(from_py_with = truth)] set_status_on_exception: bool,
        limits: Option<&Bound<'_, PyAny>>,
        instrumentation_scope: Option<Bound<'_, PyAny>>,
        record_end_metrics: Option<Py<PyAny>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        drop((trace_config, record_end_metrics));
        let defaults = py.import("oxitel.trace.span")?;
        let resource = match resource {
            Some(resource) => resource,
            None => defaults.getattr("default_resource")?.call0()?,
        };
        let limits = match limits {
            Some(limits) => Limits::from_object(limits)?,
            None => Limits::from_object(&defaults.getattr("no_limits")?.call0()?)?,
        };
        let none = py.None().into_bound(py);
        let scope = instrumentation_scope.unwrap_or_else(|| none.clone());
        let pipeline = match &span_processor {
            Some(processor) => Pipeline::of_processor(&pipeline::SPANS, processor)?,
            None => Arc::new(Replaceable::new(Pipeline::empty())),
        };
        let settings = Settings {
            limits,
            group: settings::new_group(&resource, &scope)?,
            resource: resource.unbind(),
            scope: scope.unbind(),
            info: instrumentation_info.unwrap_or_else(|| py.None()),
            processor: span_processor.unwrap_or(none).unbind(),
            sampler: sampler.unwrap_or_else(|| py.None()),
            pipeline,
            counts: None,
        };
        let new = NewSpan {
            identity: Identity::from_object(context)?,
            parent: parent.map(Identity::from_object).transpose()?,
            name,
            kind: kind.map_or(0, kind_of),
            attributes: value::new_map(
                attributes,
                limits.attributes,
                limits.span_attribute_length,
            )?,
            events: given_events(events, &limits)?,
            links: new_links(links, &limits)?,
            start_unix_nanos: None,
            record_exception,
            set_status_on_exception,
        };
        Ok(new.into_initializer(Arc::new(settings)))
    }
}

/// The text of a name for OTLP; a name that is not text or not valid text becomes the nearest.
pub(crate) fn name_text<'a>(name: &'a Bound<'_, PyAny>) -> Cow<'a, str> {
    match name.cast::<PyString>() {
        Ok(text) => text
            .to_str()
            .map_or_else(|_| text.to_string_lossy(), Cow::Borrowed),
        // As if there were none.
        Err(_) if name.is_none() => Cow::Borrowed(""),
        Err(_) => match name.str() {
            Ok(text) => Cow::Owned(text.to_string_lossy().into_owned()),
            Err(_) => Cow::Borrowed(""),
        },
    }
}
