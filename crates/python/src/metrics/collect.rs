//! `MetricsSnapshot`: what a collection gave, encoded and exported without the interpreter.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use telemetry::export::Exporter;
use telemetry::metrics::data::Metric;
use telemetry::otlp::metric::put_metric_part;
use telemetry::otlp::request::{Batch, Group};

use super::convert;
use super::materialise;
use super::stream::MetricStream;
use crate::export::exporter::export_and_wait;
use crate::process::diagnostics;
use crate::trace::settings;

/// The metrics of one instrumentation scope.
pub(crate) struct ScopeMetrics {
    pub(crate) scope: Py<PyAny>,
    pub(crate) group: Arc<Group>,
    pub(crate) metrics: Vec<Metric>,
}

#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct MetricsSnapshot {
    pub(crate) resource: Py<PyAny>,
    pub(crate) scopes: Vec<ScopeMetrics>,
}

#[pymethods]
impl MetricsSnapshot {
    /// The Python records of all of it.
    fn resource_metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        materialise::resource_metrics(py, self)
    }

    /// How many data points there are.
    fn __len__(&self) -> usize {
        points_of(&self.scopes)
    }
}

fn points_of(scopes: &[ScopeMetrics]) -> usize {
    let metrics = scopes.iter().flat_map(|scope| &scope.metrics);
    metrics.map(|metric| metric.data.len()).sum()
}

/// Collects from `streams`, pairs of an instrumentation scope and a stream, in their order.
/// `None` if there is nothing to tell.
#[pyfunction]
pub(crate) fn collect_metrics(
    py: Python<'_>,
    streams: Vec<(Bound<'_, PyAny>, Bound<'_, MetricStream>)>,
    resource: &Bound<'_, PyAny>,
    time_unix_nano: u64,
) -> PyResult<Option<MetricsSnapshot>> {
    let bound: Vec<_> = streams
        .iter()
        .map(|(_, stream)| Arc::clone(&stream.get().bound))
        .collect();
    let collected: Vec<Option<Metric>> = py.detach(|| {
        bound
            .iter()
            .map(|stream| {
                stream.stream.collect(time_unix_nano, |series| {
                    if !stream.has_python_reservoirs() {
                        return Vec::new();
                    }
                    Python::attach(|py| stream.collect_exemplars(py, series))
                })
            })
            .collect()
    });
    let mut scopes: Vec<ScopeMetrics> = Vec::new();
    for ((scope, stream), metric) in streams.iter().zip(collected) {
        stream.get().bound.forget_reservoirs();
        let Some(metric) = metric else { continue };
        if let Some(known) = scopes.iter_mut().find(|known| known.scope.is(scope)) {
            known.metrics.push(metric);
            continue;
        }
        scopes.push(ScopeMetrics {
            group: settings::new_group(resource, scope)?,
            scope: scope.clone().unbind(),
            metrics: vec![metric],
        });
    }
    diagnostics::log_pending(py);
    Ok((!scopes.is_empty()).then(|| MetricsSnapshot {
        resource: resource.clone().unbind(),
        scopes,
    }))
}

/// The scopes of a `MetricsData`: the snapshot's, as long as nobody has seen the records made of
/// it, else what the records say now.
fn with_scopes<R>(
    metrics_data: &Bound<'_, PyAny>,
    read: impl FnOnce(&[ScopeMetrics]) -> R,
) -> PyResult<R> {
    let py = metrics_data.py();
    let snapshot = metrics_data
        .call_method0(pyo3::intern!(py, "_native_snapshot"))
        .ok();
    if let Some(snapshot) = snapshot
        && let Ok(snapshot) = snapshot.cast::<MetricsSnapshot>()
    {
        return Ok(read(&snapshot.get().scopes));
    }
    Ok(read(&convert::scopes(metrics_data)?))
}

/// One request for each `most` data points, or one for all.
fn batches(scopes: &[ScopeMetrics], most: Option<usize>) -> Vec<Batch> {
    let most = most.unwrap_or(usize::MAX).max(1);
    let mut all = vec![Batch::new()];
    let mut room = most;
    let mut record = Vec::new();
    for (group, metric) in scopes
        .iter()
        .flat_map(|scope| scope.metrics.iter().map(|metric| (&scope.group, metric)))
    {
        let count = metric.data.len();
        let mut put = |points: Range<usize>, batch: &mut Batch| {
            record.clear();
            put_metric_part(&mut record, metric, points);
            batch.push(group, &record);
        };
        let mut start = 0usize;
        loop {
            let end = start.saturating_add(room).min(count);
            if let Some(batch) = all.last_mut() {
                put(start..end, batch);
            }
            room -= end - start;
            start = end;
            if start >= count {
                break;
            }
            all.push(Batch::new());
            room = most;
        }
        if room == 0 {
            all.push(Batch::new());
            room = most;
        }
    }
    all.retain(|batch| !batch.is_empty());
    all
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
            for batch in batches(scopes, None) {
                batch.encode_into(&mut body);
            }
            body
        })
    })?;
    Ok(PyBytes::new(py, &body))
}

/// Exports `metrics_data`, in requests of `most` data points, and waits for the answers.
pub(crate) fn export(
    metrics_data: &Bound<'_, PyAny>,
    exporter: &Exporter,
    timeout: Duration,
    most: Option<usize>,
) -> PyResult<bool> {
    let py = metrics_data.py();
    let deadline = Instant::now().checked_add(timeout);
    let batches = with_scopes(metrics_data, |scopes| py.detach(|| batches(scopes, most)))?;
    let mut is_delivered = true;
    for batch in batches {
        let left = match deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => timeout,
        };
        is_delivered &= export_and_wait(py, exporter, batch, left)?;
    }
    diagnostics::log_pending(py);
    Ok(is_delivered)
}
