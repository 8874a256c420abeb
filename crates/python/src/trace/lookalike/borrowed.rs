//! Methods of ours called with something that is no tracer or span of ours: borrowed by another class
//! (`start_as_current_span = sdk.Tracer.start_as_current_span`), or through a class, as OpenInference's
//! proxies do (`tracer.__class__.start_span(proxy, …)`). Officially they are functions, for whoever has
//! what they ask for. A descriptor made by pyo3 refuses that; these take any object, and
//! `oxitel.trace.borrowed` does the work for those that are not ours.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::PyTypeInfo;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::imports::object::Object;
use crate::trace::methods::quick_method::{QuickMethod, vectorcall};
use crate::trace::span::Span;
use crate::trace::tracer::Tracer;

/// A method of `$class`, and the function in Python of the same name.
macro_rules! borrowed {
    ($method:ident, $function:ident, $class:ty, $name:literal, $cname:literal, $documentation:literal) => {
        static $method: Borrowed = Borrowed {
            method: QuickMethod::new($cname, $documentation, $function),
            other: Object::new("oxitel.trace.borrowed", $name),
        };

        #[expect(unsafe_code, reason = "called by the interpreter")]
        unsafe extern "C" fn $function(
            given: *mut ffi::PyObject,
            arguments: *const *mut ffi::PyObject,
            count: ffi::Py_ssize_t,
            names: *mut ffi::PyObject,
        ) -> *mut ffi::PyObject {
            // SAFETY: the interpreter calls this attached, with an object and the arguments as
            // `QuickMethod::call` wants them; all of them outlive the call.
            unsafe { $method.call::<$class>(given, arguments, count, names) }
        }
    };
}

struct Borrowed {
    method: QuickMethod,
    /// For those who are not of the class.
    other: Object,
}

borrowed!(
    START_SPAN,
    start_span,
    Tracer,
    "start_span",
    c"start_span",
    c"start_span($self, name, context=None, kind=None, attributes=None, links=None, \
start_time=None, record_exception=True, set_status_on_exception=True)\n--\n\n"
);
borrowed!(
    START_AS_CURRENT_SPAN,
    start_as_current_span,
    Tracer,
    "start_as_current_span",
    c"start_as_current_span",
    c"start_as_current_span($self, name, context=None, kind=None, attributes=None, links=None, \
start_time=None, record_exception=True, set_status_on_exception=True, end_on_exit=True)\n--\n\n"
);
borrowed!(
    RECORD_EXCEPTION,
    record_exception,
    Span,
    "record_exception",
    c"record_exception",
    c"record_exception($self, exception, attributes=None, timestamp=None, escaped=False)\n--\n\n"
);
borrowed!(
    ADD_EVENT,
    add_event,
    Span,
    "add_event",
    c"add_event",
    c"add_event($self, name, attributes=None, timestamp=None)\n--\n\n"
);

pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let any = py.get_type::<PyAny>();
    let (tracer, span) = (py.get_type::<Tracer>(), py.get_type::<Span>());
    START_SPAN.method.install(&tracer, &any)?;
    START_AS_CURRENT_SPAN.method.install(&tracer, &any)?;
    RECORD_EXCEPTION.method.install(&span, &any)?;
    ADD_EVENT.method.install(&span, &any)
}

impl Borrowed {
    #[inline]
    #[expect(unsafe_code, reason = "as `QuickMethod::call`")]
    unsafe fn call<Class: PyTypeInfo>(
        &'static self,
        given: *mut ffi::PyObject,
        arguments: *const *mut ffi::PyObject,
        count: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe {
            let py = Python::assume_attached();
            if Bound::ref_from_ptr(py, &given).is_instance_of::<Class>() {
                return self.method.call(py, given, arguments, count, names);
            }
            let found = catch_unwind(AssertUnwindSafe(|| self.other.get(py)));
            let error = match found {
                Ok(Ok(other)) => return vectorcall(py, &other, given, arguments, count, names),
                Ok(Err(error)) => error,
                Err(_) => PyRuntimeError::new_err("a borrowed method failed"),
            };
            error.restore(py);
            std::ptr::null_mut()
        }
    }
}
