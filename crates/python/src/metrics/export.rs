//! Collected metrics on their way out: as a request's body, or to an exporter.

use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::collect::MetricsSnapshot;
use super::convert;
use super::encode::{batches, of_scopes};
use super::scope_metrics::ScopeMetrics;
use crate::convert::duration;
use crate::export::exporter::Exporter;
use crate::process::diagnostics;
use crate::threads::interruption::calm;

/// The scopes of a `MetricsData`: the snapshot's, as long as nobody has seen the records made of
/// it, else what the records say now.
fn with_scopes<R>(
    metrics_data: &Bound<'_, PyAny>,
    read: impl FnOnce(&[ScopeMetrics]) -> R,
) -> PyResult<R> {
    let py = metrics_data.py();
    let snapshot = metrics_data.call_method0(intern!(py, "_native_snapshot"));
    let snapshot = calm(py, snapshot)?;
    if let Some(snapshot) = snapshot
        && let Ok(snapshot) = snapshot.cast::<MetricsSnapshot>()
    {
        return Ok(read(&snapshot.get().scopes));
    }
    Ok(read(&convert::scopes(metrics_data)?))
}

/// `metrics_data` as the body of an `ExportMetricsServiceRequest`.
#[pyfunction]
pub(crate) fn encode_metrics<'py>(
    metrics_data: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let py = metrics_data.py();
    let body = with_scopes(metrics_data, |scopes| {
        py.detach(|| {
            let mut body = Vec::new();
            for batch in batches(of_scopes(scopes), None) {
                batch.encode_into(&mut body);
            }
            body
        })
    })?;
    Ok(PyBytes::new(py, &body))
}

/// Exports a `MetricsData`, in requests of at most `max_export_batch_size` data points if that is
/// given, and waits for the answers.
#[pyfunction]
pub(crate) fn export_metrics(
    exporter: &Bound<'_, Exporter>,
    metrics_data: &Bound<'_, PyAny>,
    timeout_seconds: f64,
    max_export_batch_size: Option<usize>,
) -> PyResult<bool> {
    let py = metrics_data.py();
    let timeout = duration::of_seconds(timeout_seconds);
    let deadline = Instant::now().checked_add(timeout);
    let batches = with_scopes(metrics_data, |scopes| {
        py.detach(|| batches(of_scopes(scopes), max_export_batch_size))
    })?;
    let mut is_delivered = true;
    for batch in batches {
        let left = match deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => timeout,
        };
        is_delivered &= exporter.get().export_within(py, batch, left)?;
    }
    diagnostics::log_pending(py);
    Ok(is_delivered)
}
