//! What was collected of one instrumentation scope.

use std::sync::Arc;

use pyo3::prelude::*;
use telemetry::otlp::metric_data::Metric;
use telemetry::otlp::request::Group;

/// The metrics of one instrumentation scope.
pub(crate) struct ScopeMetrics {
    pub(crate) scope: Py<PyAny>,
    pub(crate) group: Arc<Group>,
    pub(crate) metrics: Vec<Metric>,
}
