//! `inject` and `extract` as the API's functions call them: with the last arguments by their names. Those that
//! are named in the order of the parameters lie where the positional ones would, so that no name is
//! compared with each parameter's.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::composite::CompositePropagator;
use crate::trace::methods::quick_method::QuickMethod;

static INJECT: QuickMethod = QuickMethod::new(
    c"inject",
    c"inject($self, carrier, context=None, setter=None)\n--\n\n\
      Writes `context`, or the current one, into `carrier`.",
    inject,
);
static EXTRACT: QuickMethod = QuickMethod::new(
    c"extract",
    c"extract($self, carrier, context=None, getter=None)\n--\n\n\
      The context that `carrier` holds, on top of `context`.",
    extract,
);

pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<CompositePropagator>();
    INJECT.install(&class, &class)?;
    EXTRACT.install(&class, &class)
}

#[expect(unsafe_code, reason = "called by the interpreter")]
unsafe extern "C" fn inject(
    propagator: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls this attached, with a propagator (the descriptor has checked it) and the
    // arguments as `QuickMethod::call` wants them.
    unsafe {
        let py = Python::assume_attached();
        let rest = [intern!(py, "context"), intern!(py, "setter")];
        let (count, names) = positional(count, names, rest);
        INJECT.call(py, propagator, arguments, count, names)
    }
}

#[expect(unsafe_code, reason = "called by the interpreter")]
unsafe extern "C" fn extract(
    propagator: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as above.
    unsafe {
        let py = Python::assume_attached();
        let rest = [intern!(py, "context"), intern!(py, "getter")];
        let (count, names) = positional(count, names, rest);
        EXTRACT.call(py, propagator, arguments, count, names)
    }
}

/// How many arguments are positional, and the names of the others, when those that are named in the order of
/// the parameters count as positional. `rest` are the parameters after the first.
///
/// # Safety
///
/// The thread is attached; `names` is a tuple or null.
#[expect(unsafe_code, reason = "a tuple of the interpreter's")]
unsafe fn positional(
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
    rest: [&Bound<'_, PyString>; 2],
) -> (ffi::Py_ssize_t, *mut ffi::PyObject) {
    if names.is_null() || count < 1 {
        return (count, names);
    }
    // SAFETY: `names` is a tuple, and no item is read beyond its end.
    unsafe {
        let named = ffi::PyTuple_Size(names);
        for place in 0..named {
            let parameter = usize::try_from(count - 1 + place).ok();
            let is_next = parameter
                .and_then(|parameter| rest.get(parameter))
                .is_some_and(|name| name.as_ptr() == ffi::PyTuple_GetItem(names, place));
            if !is_next {
                return (count, names);
            }
        }
        (count + named, std::ptr::null_mut())
    }
}
