//! `Span`: a span that is being recorded.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use telemetry::attribute::Newest;

use super::attachment::Attachment;
use super::content::Content;
use super::event::EventRecord;
use super::identity::Identity;
use super::lookalike::edits::Edits;
use super::lookalike::overridden::{self, SpanMethod};
use super::processing;
use super::readable::{ReadableSpan, SpanState};
use super::settings::Settings;
use super::status::Status;
use crate::convert::value::{self, AttributeMap};
use crate::process::clock::now_unix_nanos;
use crate::process::diagnostics;
use crate::threads::guarded::{Guard, Guarded};
use crate::threads::interruption::Settled;

#[pyclass(frozen, subclass, extends = ReadableSpan, module = "opentelemetry.sdk.trace")]
pub(crate) struct Span {
    pub(super) record_exception: AtomicBool,
    pub(super) set_status_on_exception: AtomicBool,
    /// Where `start_as_current_span` attached the span.
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
        let state = SpanState {
            name: self.name,
            start_unix_nanos: self.start_unix_nanos,
            end_unix_nanos: None,
            status: Status::default(),
            attributes: Content::Native(self.attributes),
            shown: None,
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
pub(crate) struct SpanParts<'a> {
    pub(super) base: &'a ReadableSpan,
    pub(super) settings: &'a Settings,
}

pub(crate) fn parts<'a>(span: &'a Bound<'_, Span>) -> PyResult<SpanParts<'a>> {
    let base = span.as_super().get();
    match base.settings() {
        Some(settings) => Ok(SpanParts { base, settings }),
        None => Err(not_by_a_tracer()),
    }
}

pub(super) fn not_by_a_tracer() -> PyErr {
    PyTypeError::new_err("Span must be instantiated via a tracer.")
}

impl<'a> SpanParts<'a> {
    /// The state of a span that has not ended.
    pub(super) fn lock_recording(&self, py: Python<'a>) -> Option<Guard<'a, SpanState>> {
        let state = self.base.lock(py);
        state.end_unix_nanos.is_none().then_some(state)
    }
}

pub(super) fn warn_ended(py: Python<'_>, method: &str) {
    diagnostics::warn(
        py,
        diagnostics::TRACE,
        "Tried calling %s on an ended span.",
        (method,),
    );
}

/// Whether the span has not ended yet.
pub(crate) fn is_recording(span: &Bound<'_, Span>) -> bool {
    let state = span.as_super().get().lock(span.py());
    state.end_unix_nanos.is_none()
}

/// Sets an attribute if nothing about it, or about the span, is unusual. False: nothing was done.
// Always: it is the quick method's whole body, into which a second caller would keep it from going.
#[inline(always)]
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
    if state.end_unix_nanos.is_some() || state.shown.is_some() {
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
    let SpanParts { base, settings } = parts(span)?;
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
        attributes.setattr("_immutable", true).settled(py);
    }
    if let Some(counts) = &settings.counts
        && let Some(identity) = base.identity()
    {
        counts.end(identity.context.is_sampled());
    }
    let (pipeline, record_end) = edits.unwrap_or_default();
    if let Some(record_end) = record_end
        && let Err(error) = record_end.call0()
    {
        // It is the program's own: the span goes on.
        let text = "the metrics of a tracer failed, and do not count the end of a span";
        diagnostics::report_misuse(py, diagnostics::TRACE, text, &error);
    }
    let pipeline = pipeline.as_ref().unwrap_or(&settings.pipeline);
    let pipeline = pipeline.get().present(py)?;
    if !pipeline.has_listeners && overridden::is_untouched(span) {
        processing::queue_untouched(pipeline, span.as_super());
        Ok(())
    } else if overridden::is_own(span, SpanMethod::Readable) {
        processing::on_end(pipeline, span.as_super())
    } else {
        processing::on_end_with_readable(pipeline, span)
    }
}
