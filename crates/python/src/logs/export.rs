//! Log records on their way out where Python code sends them: into a queue, to an exporter, or as the
//! body of a request. Each is a `ReadableLogRecord` or a `ReadWriteLogRecord`.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use telemetry::otlp::request::Batch;

use super::encode;
use crate::export::exporter::Exporter;
use crate::export::group::Groups;
use crate::export::queue::NativeBatchProcessor;

/// Queues a record.
#[pyfunction]
pub(crate) fn queue_log_record(queue: &Bound<'_, NativeBatchProcessor>, log: &Bound<'_, PyAny>) {
    let queue = queue.get();
    encode::push(&queue.processor, &queue.groups, log);
}

/// Exports `logs` and waits for the answer.
#[pyfunction]
pub(crate) fn export_logs(
    py: Python<'_>,
    exporter: &Bound<'_, Exporter>,
    logs: Vec<Bound<'_, PyAny>>,
) -> PyResult<bool> {
    exporter.get().export(py, batch_of(&logs)?)
}

/// `logs` as the body of an `ExportLogsServiceRequest`.
#[pyfunction]
pub(crate) fn encode_logs<'py>(
    py: Python<'py>,
    logs: Vec<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &batch_of(&logs)?.encode()))
}

fn batch_of(logs: &[Bound<'_, PyAny>]) -> PyResult<Batch> {
    let mut batch = Batch::new();
    let groups = Groups::default();
    for log in logs {
        let group = groups.of_record(log)?;
        encode::with_encoded(log, |bytes| batch.push(&group, bytes))?;
    }
    Ok(batch)
}
