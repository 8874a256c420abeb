//! What has to reach the program, whichever call of ours it comes out of: `KeyboardInterrupt`, `SystemExit`,
//! `GeneratorExit` and their like, and whatever a signal handler raised (time limits are made so). What the
//! called code itself raises as an `Exception` is its own failure, and ends where it is called.
//!
//! A handler runs wherever Python code runs, so its exception looks like that code's. It is known by its
//! traceback: there, a function was called with a signal's number and the frame that was interrupted.

use std::ffi::{c_int, c_long, c_void};

use pyo3::exceptions::PyException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyFrame, PyInt, PyTuple};

/// Whether it is the program that the error is for, and not whoever made the call.
#[cold]
pub(crate) fn is_for_program(py: Python<'_>, error: &PyErr) -> bool {
    !error.is_instance_of::<PyException>(py) || was_raised_by_handler(py, error).unwrap_or_default()
}

/// `None` where what was called has failed by itself.
///
/// # Errors
/// What is for the program.
pub(crate) fn calm<T>(py: Python<'_>, result: PyResult<T>) -> PyResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_for_program(py, &error) => Err(error),
        Err(_) => Ok(None),
    }
}

/// A result that becomes an option where nothing can be raised.
pub(crate) trait Settled<T> {
    /// `None` where what was called has failed; what is for the program is raised there when our call is
    /// over.
    fn settled(self, py: Python<'_>) -> Option<T>;
}

impl<T> Settled<T> for PyResult<T> {
    #[inline]
    fn settled(self, py: Python<'_>) -> Option<T> {
        match self {
            Ok(value) => Some(value),
            Err(error) => {
                pass_on(py, &error);
                None
            }
        }
    }
}

/// Has what is for the program raised there when our call is over; whether it is.
#[cold]
pub(crate) fn pass_on(py: Python<'_>, error: &PyErr) -> bool {
    let is_for_program = is_for_program(py, error);
    if is_for_program {
        let error = error.clone_ref(py);
        if is_main_thread(py) {
            raise_on_main_thread(py, error);
        } else {
            raise_on_this_thread(py, &error);
        }
    }
    is_for_program
}

// Where that cannot be told, it is: handlers run nowhere else.
fn is_main_thread(py: Python<'_>) -> bool {
    let ask = || -> PyResult<bool> {
        let main = py.import("threading")?.call_method0("main_thread")?;
        Ok(main.getattr("ident")?.extract::<c_long>()? == this_thread(py)?)
    };
    ask().unwrap_or(true)
}

fn this_thread(py: Python<'_>) -> PyResult<c_long> {
    py.import("_thread")?.call_method0("get_ident")?.extract()
}

#[expect(unsafe_code, reason = "Py_AddPendingCall has no safe binding")]
fn raise_on_main_thread(py: Python<'_>, error: PyErr) {
    extern "C" fn raise(error: *mut c_void) -> c_int {
        // SAFETY: from the box below, which nobody else has; called once.
        let error = unsafe { Box::from_raw(error.cast::<PyErr>()) };
        Python::attach(|py| error.restore(py));
        -1
    }
    let error = Box::into_raw(Box::new(error));
    // SAFETY: the function takes what it is given here; where it is not taken, it is still ours.
    unsafe {
        if ffi::Py_AddPendingCall(Some(raise), error.cast()) != 0 {
            // The queue is full; it can still be seen.
            Box::from_raw(error).write_unraisable(py, None);
        }
    }
}

// Of an exception that is raised so, only the class arrives.
#[expect(unsafe_code, reason = "PyThreadState_SetAsyncExc has no safe binding")]
fn raise_on_this_thread(py: Python<'_>, error: &PyErr) {
    if let Ok(thread) = this_thread(py) {
        // SAFETY: this thread is attached; the class is a live object.
        unsafe {
            ffi::PyThreadState_SetAsyncExc(thread, error.get_type(py).as_ptr());
        }
    }
}

/// The parameter `*arguments`, among a code object's flags.
const CO_VARARGS: usize = 0x04;

fn was_raised_by_handler(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    let mut entry = error.traceback(py).map(Bound::into_any);
    while let Some(present) = entry {
        let frame = present.getattr(intern!(py, "tb_frame"))?;
        if is_handler(&frame)? {
            return Ok(true);
        }
        entry = present.getattr_opt(intern!(py, "tb_next"))?;
        entry = entry.filter(|entry| !entry.is_none());
    }
    Ok(false)
}

// Whether it is the frame of a function that was called with a number and a frame next to each other.
fn is_handler(frame: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = frame.py();
    let code = frame.getattr(intern!(py, "f_code"))?;
    let number = |name| code.getattr(name)?.extract::<usize>();
    let positional = number(intern!(py, "co_argcount"))?;
    let has_more = number(intern!(py, "co_flags"))? & CO_VARARGS != 0;
    if positional < 2 && !has_more {
        return Ok(false);
    }
    let keyword_only = number(intern!(py, "co_kwonlyargcount"))?;
    let names = code.getattr(intern!(py, "co_varnames"))?;
    let names = names.cast::<PyTuple>()?;
    let locals = frame.getattr(intern!(py, "f_locals"))?;
    let mut was_number = false;
    let mut is_pair = |argument: &Bound<'_, PyAny>| {
        let is_pair = was_number && argument.is_instance_of::<PyFrame>();
        was_number = argument.is_instance_of::<PyInt>();
        is_pair
    };
    for name in names.iter().take(positional) {
        // A function may have deleted it.
        if locals
            .get_item(name)
            .is_ok_and(|argument| is_pair(&argument))
        {
            return Ok(true);
        }
    }
    if has_more
        && let Some(name) = names.iter().nth(positional + keyword_only)
        && let Ok(more) = locals.get_item(name)
        && let Ok(more) = more.cast::<PyTuple>()
    {
        return Ok(more.iter().any(|argument| is_pair(&argument)));
    }
    Ok(false)
}
