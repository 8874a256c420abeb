//! The span that is current for whoever measures or logs: one of ours, or anybody else's.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use telemetry::trace::SpanContext;

use super::span::Span;
use super::unsampled::UnsampledSpan;
use crate::imports::context::span_of;
use crate::imports::official::{Official, read_span_context};

/// The identity of the span that `context` holds. `None` for no span, and for what says nothing of
/// itself that the specification knows: whoever measures or logs goes on without a span.
#[inline]
pub(crate) fn identity_of_span(
    official: &Official,
    context: &Bound<'_, PyAny>,
) -> PyResult<Option<SpanContext>> {
    match span_of(official, context)? {
        Some(span) => identity_of(official, &span),
        None => Ok(None),
    }
}

/// The same of a span.
#[inline]
pub(crate) fn identity_of(
    official: &Official,
    span: &Bound<'_, PyAny>,
) -> PyResult<Option<SpanContext>> {
    if let Ok(own) = span.cast::<Span>() {
        let identity = own.as_super().get().identity();
        return Ok(identity.map(|identity| identity.context));
    }
    let py = span.py();
    if let Ok(unsampled) = span.cast::<UnsampledSpan>() {
        return Ok(Some(unsampled.get().context(py)));
    }
    if span.is(&official.invalid_span) {
        return Ok(None);
    }
    let object = if span.get_type().is(&official.non_recording_span) {
        span.getattr(intern!(py, "_context"))?
    } else if span.is_instance(official.span.bind(py))? {
        span.call_method0(intern!(py, "get_span_context"))?
    } else {
        return Ok(None);
    };
    let Ok(object) = object.cast::<PyTuple>() else {
        return Ok(None);
    };
    Ok(Some(read_span_context(official, object)?.context()))
}
