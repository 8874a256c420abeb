//! The current context, in the official shape: a `Context` in the API's `ContextVar`.
//!
//! `contextvars` stays the only source of truth; whoever replaces it (another runtime context)
//! is spoken to through the API's own functions.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::official::Official;
use crate::threads::interruption::Settled;

/// The current `Context`.
#[expect(unsafe_code, reason = "PyContextVar_Get has no safe binding")]
pub(crate) fn current<'py>(py: Python<'py>, official: &Official) -> PyResult<Bound<'py, PyAny>> {
    let Some(variable) = &official.context_variable else {
        return official.get_current.bind(py).call0();
    };
    let mut value = std::ptr::null_mut();
    // SAFETY: `variable` is a ContextVar; on success `value` is a new reference or null.
    unsafe {
        if pyo3::ffi::PyContextVar_Get(variable.as_ptr(), std::ptr::null_mut(), &raw mut value) < 0
        {
            return Err(PyErr::fetch(py));
        }
        match Bound::from_owned_ptr_or_opt(py, value) {
            Some(context) => Ok(context),
            None => official.get_current.bind(py).call0(),
        }
    }
}

/// Makes `context` current and returns the token for [`reset`].
#[expect(unsafe_code, reason = "PyContextVar_Set has no safe binding")]
pub(crate) fn attach<'py>(
    py: Python<'py>,
    official: &Official,
    context: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    match &official.context_variable {
        // SAFETY: `variable` is a ContextVar; the result is a new reference or null with an error.
        Some(variable) => unsafe {
            Bound::from_owned_ptr_or_err(
                py,
                pyo3::ffi::PyContextVar_Set(variable.as_ptr(), context.as_ptr()),
            )
        },
        None => official.attach.bind(py).call1((context,)),
    }
}

/// What became of an attempt to go back to the context before an [`attach`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reset {
    Done,
    /// The attach happened in another `contextvars` context (another task).
    Elsewhere,
    /// The token was used before.
    Impossible,
}

/// Goes back to the context that was current before the attach that gave `token`.
#[expect(unsafe_code, reason = "PyContextVar_Reset has no safe binding")]
pub(crate) fn reset(py: Python<'_>, official: &Official, token: &Bound<'_, PyAny>) -> Reset {
    let Some(variable) = &official.context_variable else {
        // The API's detach never raises.
        official.detach.bind(py).call1((token,)).settled(py);
        return Reset::Done;
    };
    // SAFETY: both are of the types the call wants; it returns -1 with an exception on failure.
    let failed = unsafe { pyo3::ffi::PyContextVar_Reset(variable.as_ptr(), token.as_ptr()) < 0 };
    if !failed {
        return Reset::Done;
    }
    if PyErr::fetch(py).is_instance_of::<PyValueError>(py) {
        Reset::Elsewhere
    } else {
        Reset::Impossible
    }
}

/// The span that `context` holds, whatever it is.
pub(crate) fn span_of<'py>(
    official: &Official,
    context: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let key = official.span_key.bind(context.py());
    match context.cast::<PyDict>() {
        Ok(context) => context.get_item(key),
        Err(_) => {
            let span = context.call_method1(intern!(context.py(), "get"), (key,))?;
            Ok(if span.is_none() { None } else { Some(span) })
        }
    }
}
