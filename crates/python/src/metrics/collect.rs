//! `MetricsSnapshot`: what a collection gave, of which Python records are made when somebody looks.

//! `MetricsSnapshot`: what a collection gave, encoded and exported without the interpreter.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyList;
use telemetry::otlp::metric_data::Metric;

use super::materialise;
use super::scope_metrics::ScopeMetrics;
use super::stream::MetricStream;
use crate::export::group::new_group;
use crate::process::diagnostics;

#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct MetricsSnapshot {
    pub(crate) resource: Py<PyAny>,
    pub(crate) scopes: Vec<ScopeMetrics>,
}

#[pymethods]
impl MetricsSnapshot {
    /// The Python records of all of it.
    fn resource_metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        materialise::resource_metrics(py, &self.resource, &self.scopes)
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
            group: new_group(resource, scope)?,
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
