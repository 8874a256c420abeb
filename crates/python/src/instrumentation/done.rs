//! `Done`: what a library awaits where there is nothing to wait for. A coroutine would take a frame for that.

use pyo3::prelude::*;

#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct Done;

#[pymethods]
impl Done {
    #[new]
    const fn new() -> Self {
        Self
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> Option<Py<PyAny>> {
        None
    }
}
