//! An event of a recording span.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::settings::SpanLimits;
use crate::convert::bounded_attributes::bounded_attributes;
use crate::convert::value::AttributeMap;
use crate::imports::oxitel;

pub(crate) struct EventRecord {
    pub(crate) name: Py<PyAny>,
    pub(crate) time_unix_nanos: u64,
    pub(crate) attributes: AttributeMap,
}

impl EventRecord {
    /// The event as an official `Event`.
    pub(crate) fn object<'py>(
        &self,
        py: Python<'py>,
        limits: Option<&SpanLimits>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = PyDict::new(py);
        let attributes = bounded_attributes(
            py,
            &self.attributes,
            limits.and_then(|limits| limits.event_attributes),
            limits.and_then(|limits| limits.attribute_length),
            true,
        )?;
        options.set_item("attributes", attributes)?;
        options.set_item("timestamp", self.time_unix_nanos)?;
        oxitel::EVENT.get(py)?.call((&self.name,), Some(&options))
    }
}
