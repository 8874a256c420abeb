//! `Tracer.start_span` called through the class with something that only stands for a tracer, as
//! OpenInference's proxies do: `tracer.__class__.start_span(proxy, …)`. A descriptor made by pyo3
//! refuses that; this one takes any object and calls the method in `tracer.rs` with the tracer.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::tracer::Tracer;

const NAME: &CStr = c"start_span";
// The text from which `inspect.signature` reads the parameters.
const DOCUMENTATION: &CStr = c"start_span($self, name, context=None, kind=None, attributes=None, \
links=None, start_time=None, record_exception=True, set_status_on_exception=True)\n--\n\n";
/// More than a call with every argument needs, and the tracer.
const MOST: usize = 16;

static METHOD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Puts the tolerant method in front of the one of pyo3; once, when the module is made.
#[expect(unsafe_code, reason = "PyDescr_NewMethod has no safe binding")]
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<Tracer>();
    let name = pyo3::intern!(py, "start_span");
    if METHOD.set(py, class.getattr(name)?.unbind()).is_err() {
        return Ok(());
    }
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: NAME.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: start_span,
        },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: DOCUMENTATION.as_ptr().cast::<c_char>(),
    }));
    // SAFETY: the definition lives for ever and its function has the signature that the flags say;
    // the class `object` is what any argument is checked against; the result is a new reference, or
    // null with an exception set.
    let method = unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyDescr_NewMethod(&raw mut ffi::PyBaseObject_Type, definition),
        )?
    };
    class.setattr(name, method)
}

/// The tracer itself, or the one inside of a proxy.
fn tracer_of<'py>(given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if given.is_instance_of::<Tracer>() {
        return Ok(given.clone());
    }
    // The name that wrapt's proxies, and decorators, have for what is inside.
    let mut inside = given.getattr("__wrapped__").ok();
    for _ in 0..8 {
        match inside {
            Some(object) if object.is_instance_of::<Tracer>() => return Ok(object),
            Some(object) => inside = object.getattr("__wrapped__").ok(),
            None => break,
        }
    }
    Err(PyTypeError::new_err(format!(
        "descriptor 'start_span' for 'opentelemetry.sdk.trace.Tracer' objects doesn't apply to a \
         '{}' object",
        given.get_type().name()?
    )))
}

#[expect(unsafe_code, reason = "called by the interpreter")]
unsafe extern "C" fn start_span(
    given: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls this attached, with an object and `count` arguments, followed by
    // those that `names`, a tuple or null, names; all of them outlive the call.
    unsafe {
        let py = Python::assume_attached();
        let called = catch_unwind(AssertUnwindSafe(|| {
            let tracer = tracer_of(&Bound::from_borrowed_ptr(py, given))?;
            let named = if names.is_null() {
                0
            } else {
                ffi::PyTuple_Size(names).max(0)
            };
            let positional = usize::try_from(count).unwrap_or(0);
            let all = positional + usize::try_from(named).unwrap_or(0);
            let mut every = [std::ptr::null_mut(); MOST];
            if all >= MOST {
                return Err(PyTypeError::new_err("start_span() got too many arguments"));
            }
            let given = (0..all).map(|index| *arguments.add(index));
            let tracer_first = std::iter::once(tracer.as_ptr()).chain(given);
            for (place, argument) in every.iter_mut().zip(tracer_first) {
                *place = argument;
            }
            let method = METHOD
                .get(py)
                .ok_or_else(|| PyRuntimeError::new_err("no start_span"))?;
            let result =
                ffi::PyObject_Vectorcall(method.as_ptr(), every.as_ptr(), positional + 1, names);
            Bound::from_owned_ptr_or_err(py, result)
        }));
        let error = match called {
            Ok(Ok(span)) => return span.into_ptr(),
            Ok(Err(error)) => error,
            Err(_) => PyRuntimeError::new_err("start_span failed"),
        };
        error.restore(py);
        std::ptr::null_mut()
    }
}
