//! `set_attribute` without the general handling of arguments, for the call that programs make most
//! often: two positional arguments, a text and a value that cannot change. Anything else is left to
//! the methods that pyo3 makes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::ffi;
use pyo3::prelude::*;

use super::quick_method::QuickMethod;
use crate::trace::span::{RecordingSpan, Span, set_plain_attribute};
use crate::trace::unsampled::UnsampledSpan;

static OF_SPAN: QuickMethod = QuickMethod::new(
    c"set_attribute",
    c"set_attribute($self, key, value)\n--\n\n",
    set_attribute,
);
static OF_UNSAMPLED_SPAN: QuickMethod = QuickMethod::new(
    c"set_attribute",
    c"set_attribute($self, key, value)\n--\n\n",
    set_no_attribute,
);

pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let (span, unsampled) = (py.get_type::<Span>(), py.get_type::<UnsampledSpan>());
    OF_SPAN.install(&span, &span)?;
    OF_UNSAMPLED_SPAN.install(&unsampled, &unsampled)
}

#[expect(unsafe_code, reason = "called by the interpreter")]
unsafe extern "C" fn set_attribute(
    span: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls this attached, with a span (the descriptor has checked it) and
    // the arguments as `QuickMethod::call` wants them.
    unsafe {
        let py = Python::assume_attached();
        if count == 2 && names.is_null() {
            let object = Bound::ref_from_ptr(py, &span);
            if let Ok(span) = object.cast_exact::<RecordingSpan>() {
                let key = Bound::ref_from_ptr(py, &*arguments);
                let value = Bound::ref_from_ptr(py, &*arguments.add(1));
                let set = || set_plain_attribute(span.as_super(), key, value);
                // A panic must not leave a C function; pyo3's method makes an exception of it.
                if let Ok(true) = catch_unwind(AssertUnwindSafe(set)) {
                    return ffi::Py_NewRef(ffi::Py_None());
                }
            }
        }
        OF_SPAN.call(py, span, arguments, count, names)
    }
}

// A span that is not recorded takes any key and value.
#[expect(unsafe_code, reason = "called by the interpreter")]
unsafe extern "C" fn set_no_attribute(
    span: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as above.
    unsafe {
        if count == 2 && names.is_null() {
            return ffi::Py_NewRef(ffi::Py_None());
        }
        OF_UNSAMPLED_SPAN.call(Python::assume_attached(), span, arguments, count, names)
    }
}
