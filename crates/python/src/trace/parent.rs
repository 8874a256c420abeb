//! The parent of a new span: the span that is current, whoever has made it.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use telemetry::trace::{SAMPLED, SampledParent, SpanContext};

use super::identity::{Identity, TraceId};
use super::span::Span;
use super::unsampled::UnsampledSpan;
use crate::imports::context::{self, Reset};
use crate::imports::official::{Official, read_span_context};

/// Where a parent comes from.
enum ParentSource<'py> {
    Span(Bound<'py, Span>),
    Unsampled(Bound<'py, UnsampledSpan>),
    /// One of another process, of which there is no object yet.
    Remote(SpanContext),
    /// The official `SpanContext` of somebody else's span.
    Other {
        object: Bound<'py, PyAny>,
        trace_id: Bound<'py, PyAny>,
    },
}

/// The parent of a new span.
pub(crate) struct Parent<'py> {
    pub(crate) flags: u8,
    pub(crate) is_remote: bool,
    pub(crate) trace_state: Option<Bound<'py, PyAny>>,
    source: ParentSource<'py>,
    pub(crate) is_valid: bool,
}

impl<'py> Parent<'py> {
    /// The span that is current in `given`, or in the current context.
    pub(crate) fn find(
        py: Python<'py>,
        official: &Official,
        given: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Self>> {
        let context = match given {
            Some(context) => context.clone(),
            None => context::current(py, official)?,
        };
        let Some(span) = context::span_of(official, &context)? else {
            return Ok(None);
        };
        if span.get_type().is(&official.non_recording_span) {
            let object = span.getattr(intern!(py, "_context"))?;
            return Self::of_span_context(official, object);
        }
        let Ok(own) = span.cast::<Span>() else {
            return Self::of_other(official, &span);
        };
        if given.is_none() && own.get().is_unfinished(py) {
            let settled = settle(py, official, context.clone(), own)?;
            if !settled.is(&context) {
                return Self::find(py, official, None);
            }
        }
        let Some(identity) = own.as_super().get().identity() else {
            return Ok(None);
        };
        let trace_state = identity.trace_state.as_ref();
        Ok(Some(Self {
            flags: identity.context.flags,
            is_remote: identity.context.is_remote,
            trace_state: trace_state.map(|state| state.bind(py).clone()),
            is_valid: identity.context.is_valid(),
            source: ParentSource::Span(own.clone()),
        }))
    }

    /// A span of another process, with its state if there is one.
    pub(crate) fn remote(context: SpanContext, trace_state: Option<Bound<'py, PyAny>>) -> Self {
        Self {
            flags: context.flags,
            is_remote: context.is_remote,
            trace_state,
            is_valid: context.is_valid(),
            source: ParentSource::Remote(context),
        }
    }

    // A span that is not recorded, or one of another SDK.
    fn of_other(official: &Official, span: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        let py = span.py();
        if let Ok(unsampled) = span.cast::<UnsampledSpan>() {
            let span = unsampled.get();
            return Ok(Some(Self {
                flags: span.flags,
                is_remote: span.is_remote,
                trace_state: span.trace_state(py).cloned(),
                is_valid: span.is_valid(),
                source: ParentSource::Unsampled(unsampled.clone()),
            }));
        }
        if !span.is_instance(official.span.bind(py))? {
            return Ok(None);
        }
        let object = span.call_method0(intern!(py, "get_span_context"))?;
        Self::of_span_context(official, object)
    }

    fn of_span_context(official: &Official, object: Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        if object.is_none() {
            return Ok(None);
        }
        if !object.is_instance(official.span_context.bind(object.py()))? {
            return Err(PyTypeError::new_err(
                "parent_span_context must be a SpanContext or None.",
            ));
        }
        let fields = read_span_context(official, object.cast::<PyTuple>()?)?;
        Ok(Some(Self {
            flags: fields.flags,
            is_remote: fields.is_remote,
            trace_state: fields.trace_state,
            is_valid: fields.is_valid,
            source: ParentSource::Other {
                trace_id: fields.trace_id,
                object,
            },
        }))
    }

    pub(crate) fn trace_id(&self, py: Python<'py>) -> TraceId {
        match &self.source {
            ParentSource::Span(span) => {
                let identity = span.as_super().get().identity();
                TraceId::Number(identity.map_or(0, |identity| identity.context.trace_id))
            }
            ParentSource::Unsampled(span) => span.get().trace_id.clone_ref(py),
            ParentSource::Remote(context) => TraceId::Number(context.trace_id),
            ParentSource::Other { trace_id, .. } => TraceId::Object(trace_id.clone().unbind()),
        }
    }

    /// What a sampler looks at.
    pub(crate) const fn sampled(&self) -> SampledParent {
        SampledParent {
            is_remote: self.is_remote,
            is_sampled: self.flags & SAMPLED != 0,
        }
    }

    pub(crate) fn object(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match &self.source {
            ParentSource::Span(span) => span
                .as_super()
                .get()
                .identity()
                .map(|identity| identity.object(py))
                .transpose(),
            ParentSource::Unsampled(span) => span.get().identity(py).object(py).map(Some),
            ParentSource::Remote(context) => self.identity_of(context).object(py).map(Some),
            ParentSource::Other { object, .. } => Ok(Some(object.clone())),
        }
    }

    pub(crate) fn identity(&self, py: Python<'py>) -> PyResult<Option<Identity>> {
        match &self.source {
            ParentSource::Span(span) => {
                let identity = span.as_super().get().identity();
                Ok(identity.map(|identity| identity.copy(py)))
            }
            ParentSource::Unsampled(span) => Ok(Some(span.get().identity(py).copy(py))),
            ParentSource::Remote(context) => Ok(Some(self.identity_of(context))),
            ParentSource::Other { object, .. } => Identity::from_object(object).map(Some),
        }
    }

    fn identity_of(&self, context: &SpanContext) -> Identity {
        let state = self.trace_state.as_ref();
        Identity::new(*context, state.map(|state| state.clone().unbind()))
    }
}

/// The context to start a span in: the current one, after scopes that ended elsewhere (an
/// abandoned asynchronous generator, closed by the event loop) have been left for good.
fn settle<'py>(
    py: Python<'py>,
    official: &Official,
    current: Bound<'py, PyAny>,
    span: &Bound<'py, Span>,
) -> PyResult<Bound<'py, PyAny>> {
    let unfinished = span.get().attachment.lock(py).unfinished.take();
    let Some(token) = unfinished else {
        return Ok(current);
    };
    match context::reset(py, official, token.bind(py)) {
        Reset::Done => {
            let previous = span.get().attachment.lock(py).previous.take();
            drop(previous);
            context::current(py, official)
        }
        // Another task that was started inside the span: for it the span stays the parent.
        Reset::Elsewhere => {
            span.get().set_unfinished(py, token);
            Ok(current)
        }
        Reset::Impossible => Ok(current),
    }
}
