//! `Span.set_attribute` without the general handling of arguments, for the call that programs make
//! most often: two positional arguments, a text and a value that cannot change. Anything else is
//! left to the method in `span.rs`, which this one stands in front of.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use super::span::{RecordingSpan, Span, set_plain_attribute};

const NAME: &CStr = c"set_attribute";
// The text from which `inspect.signature` reads the parameters.
const DOCUMENTATION: &CStr = c"set_attribute($self, key, value)\n--\n\n";

/// The method that takes whatever this one does not, and the class of the usual spans.
struct General {
    method: Py<PyAny>,
    recording_span: *mut ffi::PyTypeObject,
}

// SAFETY: the class is never freed, and only its address is used.
#[expect(
    unsafe_code,
    reason = "a pointer to a class that lives as long as the process"
)]
unsafe impl Send for General {}
// SAFETY: see above.
#[expect(
    unsafe_code,
    reason = "a pointer to a class that lives as long as the process"
)]
unsafe impl Sync for General {}

static GENERAL: PyOnceLock<General> = PyOnceLock::new();

/// Puts the quick method in the place of the general one; once, when the module is made.
#[expect(unsafe_code, reason = "PyDescr_NewMethod has no safe binding")]
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<Span>();
    let name = pyo3::intern!(py, "set_attribute");
    let general = General {
        method: class.getattr(name)?.unbind(),
        recording_span: py.get_type::<RecordingSpan>().as_type_ptr(),
    };
    if GENERAL.set(py, general).is_err() {
        return Ok(());
    }
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: NAME.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: set_attribute,
        },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: DOCUMENTATION.as_ptr().cast::<c_char>(),
    }));
    // SAFETY: the definition lives for ever and its function has the signature that the flags say;
    // the result is a new reference, or null with an exception set.
    let method = unsafe {
        Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(class.as_type_ptr(), definition))?
    };
    class.setattr(name, method)
}

#[expect(unsafe_code, reason = "called by the interpreter")]
unsafe extern "C" fn set_attribute(
    span: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls this attached, with a span (the descriptor has checked it) and
    // `count` arguments, followed by those that `names`, a tuple or null, names.
    unsafe {
        let py = Python::assume_attached();
        if let Some(general) = GENERAL.get(py)
            && count == 2
            && names.is_null()
            && ffi::Py_TYPE(span) == general.recording_span
        {
            let span = Bound::ref_from_ptr(py, &span).cast_unchecked::<Span>();
            let key = Bound::ref_from_ptr(py, &*arguments);
            let value = Bound::ref_from_ptr(py, &*arguments.add(1));
            // A panic must not leave a C function; the general method makes an exception of it.
            if let Ok(true) =
                catch_unwind(AssertUnwindSafe(|| set_plain_attribute(span, key, value)))
            {
                return ffi::Py_NewRef(ffi::Py_None());
            }
        }
        let called = catch_unwind(AssertUnwindSafe(|| {
            let named = usize::try_from(count).unwrap_or(0);
            let names = Bound::from_borrowed_ptr_or_opt(py, names);
            let all = named + names.as_ref().map_or(0, |names| names.len().unwrap_or(0));
            let arguments = std::slice::from_raw_parts(arguments, all);
            let arguments = arguments
                .iter()
                .map(|argument| Bound::from_borrowed_ptr(py, *argument));
            call_general(
                &Bound::from_borrowed_ptr(py, span),
                arguments.collect(),
                named,
                names.as_ref(),
            )
        }));
        let error = match called {
            Ok(Ok(result)) => return result.into_ptr(),
            Ok(Err(error)) => error,
            Err(_) => PyRuntimeError::new_err("set_attribute failed"),
        };
        error.restore(py);
        std::ptr::null_mut()
    }
}

/// Calls the general method with the first `positional` arguments and the others by their names.
#[cold]
fn call_general<'py>(
    span: &Bound<'py, PyAny>,
    mut arguments: Vec<Bound<'py, PyAny>>,
    positional: usize,
    names: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = span.py();
    let named = arguments.split_off(positional);
    let options = PyDict::new(py);
    if let Some(names) = names {
        for (name, value) in names.try_iter()?.zip(named) {
            options.set_item(name?, value)?;
        }
    }
    arguments.insert(0, span.clone());
    let general = GENERAL
        .get(py)
        .ok_or_else(|| PyRuntimeError::new_err("no set_attribute"))?;
    let arguments = PyTuple::new(py, arguments)?;
    general.method.bind(py).call(arguments, Some(&options))
}
