//! Spans on their way out where Python code sends them: into a queue, to an exporter, or as the body of
//! a request.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use telemetry::otlp::request::Batch;

use super::encode::with_encoded;
use super::processing;
use super::readable::ReadableSpan;
use crate::export::exporter::Exporter;
use crate::export::group::Groups;
use crate::export::queue::NativeBatchProcessor;

/// Queues a span that has ended, if it was sampled.
#[pyfunction]
pub(crate) fn queue_span(
    py: Python<'_>,
    queue: &Bound<'_, NativeBatchProcessor>,
    span: &Bound<'_, ReadableSpan>,
) {
    processing::queue(py, &queue.get().processor, span.get());
}

/// Queues the spans of whose end this thread is telling processors: whoever flushes meanwhile expects
/// them to be among what is sent.
#[pyfunction]
pub(crate) fn queue_ending_spans(py: Python<'_>, queue: &Bound<'_, NativeBatchProcessor>) {
    processing::queue_waiting(py, &queue.get().processor);
}

/// Exports `spans` and waits for the answer.
#[pyfunction]
pub(crate) fn export_spans(
    py: Python<'_>,
    exporter: &Bound<'_, Exporter>,
    spans: Vec<Bound<'_, ReadableSpan>>,
) -> PyResult<bool> {
    exporter.get().export(py, batch_of(&spans)?)
}

/// `spans` as the body of an `ExportTraceServiceRequest`.
#[pyfunction]
pub(crate) fn encode_spans<'py>(
    py: Python<'py>,
    spans: Vec<Bound<'py, ReadableSpan>>,
) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &batch_of(&spans)?.encode()))
}

fn batch_of(spans: &[Bound<'_, ReadableSpan>]) -> PyResult<Batch> {
    let mut batch = Batch::new();
    let groups = Groups::default();
    for span in spans {
        let group = groups.of_record(span)?;
        with_encoded(span.py(), span.get(), |bytes| batch.push(&group, bytes))?;
    }
    Ok(batch)
}
