//! Log records on their way out where Python code sends them: into a queue, to an exporter, or as the
//! body of a request. Each is a `ReadableLogRecord` or a `ReadWriteLogRecord`.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use telemetry::otlp::request::Batch;

use super::encode;
use crate::convert::value::no_memory;
use crate::export::exporter::{Exporter, request_of};
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
    logs: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    exporter.get().export(py, batch_of(logs)?)
}

/// `logs` as the body of an `ExportLogsServiceRequest`.
#[pyfunction]
pub(crate) fn encode_logs<'py>(
    py: Python<'py>,
    logs: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    request_of(py, &batch_of(logs)?)
}

fn batch_of(logs: &Bound<'_, PyAny>) -> PyResult<Batch> {
    let mut batch = Batch::new();
    let groups = Groups::default();
    for log in logs.try_iter()? {
        let log = log?;
        let group = groups.of_record(&log)?;
        encode::with_encoded(&log, |bytes| {
            batch.try_push(&group, bytes).map_err(no_memory)
        })??;
    }
    Ok(batch)
}
