//! Hooks of the program, and what else of it an instrumentation calls: nothing that they raise reaches
//! the library that is instrumented.

use pyo3::call::PyCallArgs;
use pyo3::prelude::*;

use crate::process::diagnostics::{self, Seldom};
use crate::threads::interruption::is_for_program;

const LOGGER: &str = "opentelemetry.instrumentation";

static RAISED: Seldom = Seldom::new();
static FAILED: Seldom = Seldom::new();

/// Calls `hook`. What it raises is logged, seldom; what asks the program to end goes on.
pub(crate) fn call<'py>(
    hook: &Bound<'py, PyAny>,
    arguments: impl PyCallArgs<'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = hook.py();
    match hook.call1(arguments) {
        Ok(value) => Ok(Some(value)),
        Err(error) if !is_for_program(py, &error) => {
            if RAISED.is_due() {
                let text = format!("A hook raised, the request goes on without it: {hook}");
                diagnostics::report_exception(py, LOGGER, &text, &error);
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What our own side of a call came to; an exception is logged, seldom, and becomes `None`.
pub(crate) fn harmless<T>(py: Python<'_>, result: PyResult<T>) -> PyResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if !is_for_program(py, &error) => {
            if FAILED.is_due() {
                let text = "Failed to trace a call, which goes on without it";
                diagnostics::report_exception(py, LOGGER, text, &error);
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
