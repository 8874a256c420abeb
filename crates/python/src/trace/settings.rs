//! What all spans of a tracer share: limits, resource, scope, where they go when they end.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};
use telemetry::otlp::request::Group;

use super::counts::Counts;
use crate::convert::count;
use crate::export::group::new_group;
use crate::export::pipeline::SharedPipeline;
use crate::process::diagnostics::{self, Seldom};
use crate::threads::interruption::is_for_program;

/// The group of a provider's spans. A resource that cannot be read (a mock) is as good as none, which
/// is said.
pub(crate) fn group_of_tracer(
    resource: &Bound<'_, PyAny>,
    scope: &Bound<'_, PyAny>,
) -> PyResult<Arc<Group>> {
    static UNREADABLE: Seldom = Seldom::new();
    let py = resource.py();
    new_group(resource, scope).or_else(|error| {
        if is_for_program(py, &error) {
            return Err(error);
        }
        if UNREADABLE.is_due() {
            let text = "the resource cannot be read; spans are exported without its attributes";
            diagnostics::report_exception(py, diagnostics::TRACE, text, &error);
        }
        let none = py.None().into_bound(py);
        new_group(&none, scope).or_else(|_| new_group(&none, &none))
    })
}

/// The limits of a `SpanLimits` object; `None` is no limit.
#[derive(Clone, Copy)]
pub(crate) struct SpanLimits {
    pub(crate) attributes: Option<usize>,
    pub(crate) events: Option<usize>,
    pub(crate) links: Option<usize>,
    pub(crate) event_attributes: Option<usize>,
    pub(crate) link_attributes: Option<usize>,
    pub(crate) attribute_length: Option<usize>,
    pub(crate) span_attribute_length: Option<usize>,
}

impl SpanLimits {
    pub(crate) fn from_object(limits: &Bound<'_, PyAny>) -> PyResult<Self> {
        let limit = |name| count::limit(limits, name);
        Ok(Self {
            attributes: limit("max_span_attributes")?,
            events: limit("max_events")?,
            links: limit("max_links")?,
            event_attributes: limit("max_event_attributes")?,
            link_attributes: limit("max_link_attributes")?,
            attribute_length: limit("max_attribute_length")?,
            span_attribute_length: limit("max_span_attribute_length")?,
        })
    }
}

/// What the spans of one tracer share. Replaced as a whole when the resource changes. A Python object
/// for the collector of garbage, as the pipeline is.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct Settings {
    pub(crate) limits: SpanLimits,
    /// The object that the limits were read from.
    pub(crate) span_limits: Py<PyAny>,
    pub(crate) resource: Py<PyAny>,
    pub(crate) scope: Py<PyAny>,
    pub(crate) info: Py<PyAny>,
    pub(crate) processor: Py<PyAny>,
    pub(crate) sampler: Py<PyAny>,
    pub(crate) pipeline: Py<SharedPipeline>,
    /// Counts these spans, if somebody wants to know.
    pub(crate) counts: Option<Arc<Counts>>,
    /// Resource and scope as OTLP.
    pub(crate) group: Arc<Group>,
}

#[pymethods]
impl Settings {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.resource)?;
        visit.call(&self.scope)?;
        visit.call(&self.info)?;
        visit.call(&self.processor)?;
        visit.call(&self.sampler)?;
        visit.call(&self.pipeline)
    }
}
