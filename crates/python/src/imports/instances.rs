//! Instances of classes written in Python, made of their attributes: the constructors would take longer
//! than everything else that is done for one of them.

use crate::threads::once::Once;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::object::Object;
use super::official::new_object_of;

/// A class, and the attributes that its constructor gives to an instance, in their order.
pub(crate) struct Instances<const COUNT: usize> {
    class: &'static Object,
    names: [&'static str; COUNT],
    interned: Once<[Py<PyString>; COUNT]>,
    is_known: Once<bool>,
}

impl<const COUNT: usize> Instances<COUNT> {
    pub(crate) const fn new(class: &'static Object, names: [&'static str; COUNT]) -> Self {
        Self {
            class,
            names,
            interned: Once::new(),
            is_known: Once::new(),
        }
    }

    /// Whether a class of the API's, which can be called without arguments, is still the one that we
    /// know: to be asked before [`Self::make`].
    pub(crate) fn is_known(&self, py: Python<'_>) -> PyResult<bool> {
        let is_known = self.is_known.get_or_try_init(py, || {
            attributes_of(&self.class.kept(py)?.call0()?)?
                .keys()
                .eq(self.names)
        });
        is_known.copied()
    }

    /// An instance with these attributes.
    pub(crate) fn make<'py>(
        &self,
        py: Python<'py>,
        values: [Bound<'py, PyAny>; COUNT],
    ) -> PyResult<Bound<'py, PyAny>> {
        let intern = |name| PyString::intern(py, name).unbind();
        let names = self.interned.get_or_init(py, || self.names.map(intern));
        let instance = new_object_of(py, self.class.kept(py)?.cast()?)?;
        for (name, value) in names.iter().zip(values) {
            set_plainly(&instance, name.bind(py), &value)?;
        }
        Ok(instance)
    }
}

/// `object.__setattr__`, which frozen dataclasses cannot refuse. CPython keeps what is set so inside the
/// object as long as nobody asks for its `__dict__`.
#[expect(unsafe_code, reason = "object.__setattr__ has no safe binding")]
fn set_plainly<'py>(
    instance: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    value: &Bound<'py, PyAny>,
) -> PyResult<()> {
    // SAFETY: all three are alive; it returns 0, or -1 with an exception set.
    let failed =
        unsafe { ffi::PyObject_GenericSetAttr(instance.as_ptr(), name.as_ptr(), value.as_ptr()) };
    if failed == 0 {
        Ok(())
    } else {
        Err(PyErr::fetch(instance.py()))
    }
}

/// The `__dict__` of an object.
pub(crate) fn attributes_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let attributes = object.getattr(intern!(object.py(), "__dict__"))?;
    Ok(attributes.cast_into()?)
}
