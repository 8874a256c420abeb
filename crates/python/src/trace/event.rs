//! An event of a recording span.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use super::settings::SpanLimits;
use crate::convert::bounded_attributes::bounded_attributes;
use crate::convert::value::AttributeMap;
use crate::imports::instances::Instances;
use crate::imports::oxitel;

static INSTANCES: Instances<3> =
    Instances::new(&oxitel::EVENT, ["_name", "_timestamp", "_attributes"]);

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
        let attributes = bounded_attributes(
            py,
            &self.attributes,
            limits.and_then(|limits| limits.event_attributes),
            limits.and_then(|limits| limits.attribute_length),
            true,
        )?;
        let time = self.time_unix_nanos.into_bound_py_any(py)?;
        INSTANCES.make(py, [self.name.bind(py).clone(), time, attributes])
    }
}
