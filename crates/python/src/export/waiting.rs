//! Waits for the worker on behalf of Python code.
//!
//! The interpreter is let go meanwhile. Where greenlets share the thread that would stop them all,
//! so there the wait is a series of the library's own sleeps, in which the others go on.

use std::time::Duration;

use crate::threads::interruption::is_for_program;
use pyo3::prelude::*;
use pyo3::types::PyFunction;

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(20);

/// Calls `poll` until it has something to tell. It is given how long it may wait for that.
///
/// # Errors
/// What the sleep was broken off with: a greenlet was killed, or its time is over.
pub(crate) fn wait<T: Send>(
    py: Python<'_>,
    mut poll: impl FnMut(Duration) -> Option<T> + Send,
) -> PyResult<T> {
    if let Some(sleep) = sleep_of_greenlets(py) {
        let mut pause = SHORTEST;
        loop {
            if let Some(outcome) = poll(Duration::ZERO) {
                return Ok(outcome);
            }
            match sleep.call1((pause.as_secs_f64(),)) {
                Ok(_) => pause = (pause * 2).min(LONGEST),
                // The hub itself, or what is left of it at the end, cannot sleep.
                Err(error) if !is_for_program(py, &error) => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(py.detach(|| {
        loop {
            if let Some(outcome) = poll(Duration::MAX) {
                return outcome;
            }
        }
    }))
}

/// The sleep of gevent or eventlet, where it has taken the place of Python's own.
fn sleep_of_greenlets(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    let sleep = py
        .import(intern!(py, "time"))
        .ok()?
        .getattr(intern!(py, "sleep"))
        .ok()?;
    // Python's own is none of Python's functions.
    sleep.cast::<PyFunction>().ok()?;
    let module = sleep.getattr(intern!(py, "__module__")).ok()?;
    let module = module.extract::<String>().ok()?;
    (module.starts_with("gevent.") || module.starts_with("eventlet.")).then_some(sleep)
}
