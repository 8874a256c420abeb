//! What all spans of a tracer share: limits, resource, scope, where they go when they end.

use std::sync::Arc;

use pyo3::prelude::*;
use telemetry::otlp::request::Group;
use telemetry::otlp::wire;

use super::counts::Counts;
use crate::export::Pipeline;
use crate::replaceable::Replaceable;
use crate::value;

/// The limits of a `SpanLimits` object; `None` is no limit.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) attributes: Option<usize>,
    pub(crate) events: Option<usize>,
    pub(crate) links: Option<usize>,
    pub(crate) event_attributes: Option<usize>,
    pub(crate) link_attributes: Option<usize>,
    pub(crate) attribute_length: Option<usize>,
    pub(crate) span_attribute_length: Option<usize>,
}

impl Limits {
    pub(crate) fn from_object(limits: &Bound<'_, PyAny>) -> PyResult<Self> {
        let limit = |name: &str| -> PyResult<Option<usize>> { limits.getattr(name)?.extract() };
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

/// What the spans of one tracer share. Replaced as a whole when the resource changes.
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) resource: Py<PyAny>,
    pub(crate) scope: Py<PyAny>,
    pub(crate) info: Py<PyAny>,
    pub(crate) processor: Py<PyAny>,
    pub(crate) sampler: Py<PyAny>,
    pub(crate) pipeline: Arc<Replaceable<Pipeline>>,
    /// Counts these spans, if somebody wants to know.
    pub(crate) counts: Option<Arc<Counts>>,
    /// Resource and scope as OTLP.
    pub(crate) group: Arc<Group>,
}

/// Resource and scope as OTLP; either may be `None`.
pub(crate) fn new_group(
    resource: &Bound<'_, PyAny>,
    scope: &Bound<'_, PyAny>,
) -> PyResult<Arc<Group>> {
    let text = |object: &Bound<'_, PyAny>, name: &str| -> PyResult<String> {
        let value = object.getattr(name)?;
        if value.is_none() {
            return Ok(String::new());
        }
        Ok(value.str()?.to_string_lossy().into_owned())
    };
    let mut resource_body = Vec::new();
    let mut resource_schema_url = String::new();
    if !resource.is_none() {
        value::put_mapping(&mut resource_body, 1, &resource.getattr("attributes")?)?;
        resource_schema_url = text(resource, "schema_url")?;
    }
    let mut scope_body = Vec::new();
    let mut scope_schema_url = String::new();
    if !scope.is_none() {
        for (field, name) in [(1, "name"), (2, "version")] {
            let text = text(scope, name)?;
            if !text.is_empty() {
                wire::put_bytes_field(&mut scope_body, field, text.as_bytes());
            }
        }
        value::put_mapping(&mut scope_body, 3, &scope.getattr("attributes")?)?;
        scope_schema_url = text(scope, "schema_url")?;
    }
    Ok(Arc::new(Group {
        resource: resource_body,
        resource_schema_url,
        scope: scope_body,
        scope_schema_url,
    }))
}
