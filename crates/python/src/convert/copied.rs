//! `copy.copy` of objects whose fields are native, where Python does not see them.

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A new object of the same class, which need not be the native one, with what Python code has put into
/// the first; `arguments` are those of the native class.
pub(crate) fn new_like<'py, T: PyTypeInfo>(
    original: &Bound<'py, T>,
    arguments: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, T>> {
    let py = original.py();
    let mut all = vec![original.as_any().get_type().into_any()];
    all.extend(arguments);
    let new = py.get_type::<T>().getattr(intern!(py, "__new__"))?;
    let copy = new.call1(PyTuple::new(py, all)?)?;
    let own = intern!(py, "__dict__");
    copy.getattr(own)?
        .call_method1(intern!(py, "update"), (original.as_any().getattr(own)?,))?;
    Ok(copy.cast_into()?)
}
