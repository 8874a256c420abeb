//! The time that spans, log records and measurements are given.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;

use super::diagnostics::{self, Seldom};
use crate::threads::interruption::Settled;

/// What Python code has put in the place of `opentelemetry.sdk.trace.time_ns`.
static REPLACEMENT: Mutex<Option<Py<PyAny>>> = Mutex::new(None);
static IS_REPLACED: AtomicBool = AtomicBool::new(false);

/// Has times come from `clock`, a function like `time.time_ns`, or from the system again.
#[pyfunction]
pub(crate) fn set_clock(clock: Option<Py<PyAny>>) {
    IS_REPLACED.store(clock.is_some(), Ordering::Relaxed);
    let replaced = {
        let mut replacement = REPLACEMENT.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *replacement, clock)
    };
    drop(replaced);
}

#[cold]
fn replaced_now() -> Option<u64> {
    Python::attach(|py| {
        let clock = {
            let replacement = REPLACEMENT.lock().unwrap_or_else(PoisonError::into_inner);
            replacement.as_ref()?.clone_ref(py)
        };
        let now = clock.call0(py).settled(py)?;
        now.extract::<u64>(py).settled(py)
    })
}

/// Now, in nanoseconds since 1970.
pub(crate) fn now_unix_nanos() -> u64 {
    if IS_REPLACED.load(Ordering::Relaxed)
        && let Some(now) = replaced_now()
    {
        return now;
    }
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| {
            u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
        })
}

/// A timestamp argument: an integer in nanoseconds; a float is cut. Anything else is as if it had
/// not been given, which is said.
pub(crate) fn unix_nanos(time: Option<&Bound<'_, PyAny>>) -> Option<u64> {
    static WRONG: Seldom = Seldom::new();
    let time = time.filter(|time| !time.is_none())?;
    let py = time.py();
    if let Some(nanos) = time.extract::<u64>().settled(py) {
        return Some(nanos);
    }
    match time.extract::<f64>().settled(py) {
        // Cutting is what is wanted.
        Some(nanos) if nanos >= 0.0 => Some(nanos as u64),
        _ => {
            if WRONG.is_due() {
                diagnostics::warn(
                    time.py(),
                    diagnostics::TRACE,
                    "A time must be a number of nanoseconds since 1970, not %r. Using the present time.",
                    (time,),
                );
            }
            None
        }
    }
}
