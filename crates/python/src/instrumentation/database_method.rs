//! `DatabaseMethod`: a descriptor in the place of a method that sends a command to a database.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::database::Database;
use super::method;

/// Is called with a cursor and the method's arguments, as a function in a class is.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct DatabaseMethod {
    database: Py<Database>,
    original: Py<PyAny>,
}

impl DatabaseMethod {
    pub(super) const fn new(database: Py<Database>, original: Py<PyAny>) -> Self {
        Self { database, original }
    }
}

#[pymethods]
impl DatabaseMethod {
    #[pyo3(signature = (*arguments, **keywords))]
    fn __call__<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = arguments.py();
        let original = self.original.bind(py);
        match arguments.get_item(0) {
            Ok(cursor) => self
                .database
                .get()
                .trace(&cursor, original, arguments, 1, keywords),
            Err(_) => original.call(arguments, keywords),
        }
    }

    fn __get__<'py>(
        slf: Bound<'py, Self>,
        instance: Option<Bound<'py, PyAny>>,
        _owner: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        method::bound(slf.into_any(), instance)
    }

    #[getter]
    fn __wrapped__<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.original.bind(py).clone()
    }

    fn __getattr__<'py>(&self, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        self.original.bind(name.py()).getattr(name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.database)?;
        visit.call(&self.original)
    }
}
