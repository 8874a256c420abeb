//! Spans on their way out where Python code sends them: into a queue, to an exporter, or as the body of
//! a request. Whatever is in the place of a span is exported as it shows itself.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use telemetry::export::batch::BatchProcessor;
use telemetry::otlp::request::Batch;

use super::encode::with_encoded;
use super::lookalike::overridden;
use super::processing;
use super::readable::ReadableSpan;
use super::span::{RecordingSpan, Span};
use crate::convert::value::no_memory;
use crate::export::exporter::{Exporter, request_of};
use crate::export::group::Groups;
use crate::export::queue::NativeBatchProcessor;
use crate::imports::oxitel;

/// Queues a span that has ended, if it was sampled.
#[pyfunction]
pub(crate) fn queue_span(queue: &Bound<'_, NativeBatchProcessor>, span: &Bound<'_, PyAny>) {
    queue_shown(&queue.get().processor, span);
}

pub(crate) fn queue_shown(queue: &BatchProcessor, span: &Bound<'_, PyAny>) {
    let py = span.py();
    let queued = if is_of_own_class(span) {
        // What it shows is looked at when all processors have seen it.
        span.cast::<ReadableSpan>()
            .map(|span| processing::queue(queue, span))
            .map_err(Into::into)
    } else {
        shown(span).map(|span| processing::queue(queue, &span))
    };
    if let Err(error) = queued {
        queue.withhold();
        processing::report_unencodable(py, &error);
    }
}

/// Queues the spans of whose end this thread is telling processors: whoever flushes meanwhile expects
/// them to be among what is sent.
#[pyfunction]
pub(crate) fn queue_ending_spans(py: Python<'_>, queue: &Bound<'_, NativeBatchProcessor>) {
    processing::queue_waiting(py, &queue.get().processor);
}

/// Exports `spans` and waits for the answer. One that cannot be encoded is said, and the others are
/// sent; then the export has failed.
#[pyfunction]
pub(crate) fn export_spans(
    py: Python<'_>,
    exporter: &Bound<'_, Exporter>,
    spans: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let mut batch = Batch::new();
    let groups = Groups::default();
    let mut is_complete = true;
    for span in spans.try_iter()? {
        if let Err(error) = push(&mut batch, &groups, &span?) {
            processing::report_unencodable(py, &error);
            is_complete = false;
        }
    }
    Ok(exporter.get().export(py, batch)? && is_complete)
}

/// `spans` as the body of an `ExportTraceServiceRequest`.
#[pyfunction]
pub(crate) fn encode_spans<'py>(
    py: Python<'py>,
    spans: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut batch = Batch::new();
    let groups = Groups::default();
    for span in spans.try_iter()? {
        push(&mut batch, &groups, &span?)?;
    }
    request_of(py, &batch)
}

fn push(batch: &mut Batch, groups: &Groups, span: &Bound<'_, PyAny>) -> PyResult<()> {
    let span = shown(span)?;
    let group = groups.of_record(&span)?;
    with_encoded(span.py(), span.get(), |bytes| {
        batch.try_push(&group, bytes).map_err(no_memory)
    })?
}

fn is_of_own_class(span: &Bound<'_, PyAny>) -> bool {
    span.is_exact_instance_of::<RecordingSpan>()
        || span.is_exact_instance_of::<ReadableSpan>()
        || span.is_exact_instance_of::<Span>()
}

/// The span itself if it is of exactly one of our classes, with nothing in Python that could say
/// otherwise; else one with what its public properties give.
pub(crate) fn shown<'py>(span: &Bound<'py, PyAny>) -> PyResult<Bound<'py, ReadableSpan>> {
    if is_of_own_class(span) {
        let span = span.cast::<ReadableSpan>()?;
        if overridden::shows_itself(span) {
            return Ok(span.clone());
        }
    }
    let made = oxitel::SHOWN_SPAN.get(span.py())?.call1((span,))?;
    Ok(made.cast_into::<ReadableSpan>()?)
}
