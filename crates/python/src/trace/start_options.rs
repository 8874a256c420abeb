//! The arguments of `start_span`, kept for a span that starts now or, with `start_as_current_span`, when
//! its block is entered.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::status::kind_of;
use crate::imports::official::Official;
use crate::process::clock::unix_nanos;

/// The arguments of `start_span`.
pub(crate) struct StartOptions {
    pub(crate) name: Py<PyAny>,
    pub(crate) context: Option<Py<PyAny>>,
    pub(crate) kind: u8,
    pub(crate) attributes: Option<Py<PyAny>>,
    pub(crate) links: Option<Py<PyAny>>,
    pub(crate) start_unix_nanos: Option<u64>,
    pub(crate) record_exception: bool,
    pub(crate) set_status_on_exception: bool,
}

impl StartOptions {
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    pub(crate) fn new(
        name: Py<PyAny>,
        context: Option<Py<PyAny>>,
        kind: Option<&Bound<'_, PyAny>>,
        attributes: Option<Py<PyAny>>,
        links: Option<Py<PyAny>>,
        start_time: Option<&Bound<'_, PyAny>>,
        record_exception: bool,
        set_status_on_exception: bool,
    ) -> Self {
        Self {
            name,
            context,
            kind: kind.map_or(0, kind_of),
            attributes,
            links,
            start_unix_nanos: unix_nanos(start_time),
            record_exception,
            set_status_on_exception,
        }
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.context)?;
        visit.call(&self.attributes)?;
        visit.call(&self.links)
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        let copy = |object: &Option<Py<PyAny>>| object.as_ref().map(|object| object.clone_ref(py));
        Self {
            name: self.name.clone_ref(py),
            context: copy(&self.context),
            kind: self.kind,
            attributes: copy(&self.attributes),
            links: copy(&self.links),
            start_unix_nanos: self.start_unix_nanos,
            record_exception: self.record_exception,
            set_status_on_exception: self.set_status_on_exception,
        }
    }

    /// The keywords with which the official `start_as_current_span` calls `start_span`.
    pub(crate) fn as_arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let kinds = &Official::get(py)?.span_kinds;
        let none = PyTuple::empty(py).into_any().unbind();
        let arguments = PyDict::new(py);
        arguments.set_item("name", &self.name)?;
        arguments.set_item("context", &self.context)?;
        arguments.set_item("kind", kinds.get(usize::from(self.kind)))?;
        arguments.set_item("attributes", &self.attributes)?;
        arguments.set_item("links", self.links.as_ref().unwrap_or(&none))?;
        arguments.set_item("start_time", self.start_unix_nanos)?;
        arguments.set_item("record_exception", self.record_exception)?;
        arguments.set_item("set_status_on_exception", self.set_status_on_exception)?;
        Ok(arguments)
    }
}
