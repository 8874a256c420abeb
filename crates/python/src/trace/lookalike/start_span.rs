//! `Tracer.start_span` called through the class with something that only stands for a tracer, as
//! OpenInference's proxies do: `tracer.__class__.start_span(proxy, …)`. A descriptor made by pyo3
//! refuses that; this one takes any object and calls the tracer's own method.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::trace::methods::quick_method::QuickMethod;
use crate::trace::tracer::Tracer;

static START_SPAN: QuickMethod = QuickMethod::new(
    c"start_span",
    c"start_span($self, name, context=None, kind=None, attributes=None, links=None, \
start_time=None, record_exception=True, set_status_on_exception=True)\n--\n\n",
    start_span,
);

pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    START_SPAN.install(&py.get_type::<Tracer>(), &py.get_type::<PyAny>())
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
    // SAFETY: the interpreter calls this attached, with an object and the arguments as
    // `QuickMethod::call` wants them; all of them outlive the call.
    unsafe {
        let py = Python::assume_attached();
        let found = catch_unwind(AssertUnwindSafe(|| {
            tracer_of(Bound::ref_from_ptr(py, &given))
        }));
        let error = match found {
            Ok(Ok(tracer)) => {
                return START_SPAN.call(py, tracer.as_ptr(), arguments, count, names);
            }
            Ok(Err(error)) => error,
            Err(_) => PyRuntimeError::new_err("start_span failed"),
        };
        error.restore(py);
        std::ptr::null_mut()
    }
}
