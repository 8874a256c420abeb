//! An object of a Python module, imported when it is first needed.

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

pub(crate) struct Object {
    module: &'static str,
    name: &'static str,
    names: Once<(Py<PyString>, Py<PyString>)>,
    kept: Once<Py<PyAny>>,
}

impl Object {
    pub(crate) const fn new(module: &'static str, name: &'static str) -> Self {
        Self {
            module,
            name,
            names: Once::new(),
            kept: Once::new(),
        }
    }

    /// What the module has under that name now: programs and tests put things of their own there.
    pub(crate) fn get<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (module, name) = self.names.get_or_init(py, || {
            let intern = |text| PyString::intern(py, text).unbind();
            (intern(self.module), intern(self.name))
        });
        py.import(module)?.getattr(name)
    }

    /// What the module had under that name the first time: for classes, which stay the same.
    pub(crate) fn kept<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let kept = self
            .kept
            .get_or_try_init(py, || self.get(py).map(Bound::unbind))?;
        Ok(kept.bind(py))
    }

    /// A class, as [`Self::get`] finds it.
    pub(crate) fn class(&self, py: Python<'_>) -> PyResult<Py<PyType>> {
        Ok(self.get(py)?.cast_into::<PyType>()?.unbind())
    }
}
