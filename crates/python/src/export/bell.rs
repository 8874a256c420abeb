//! Something that threads of ours wait for without any of Python's locks: libraries that put greenlets
//! in the place of threads replace those, also while somebody waits for one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::waiting;
use crate::convert::duration;

/// How often a thread of the program sees to signals while it waits.
const STEP: Duration = Duration::from_millis(50);

/// Counts how often it is rung, for those who wait for the next time. One of a process: a forked child
/// makes another.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct Bell {
    rung: Mutex<u64>,
    changed: Condvar,
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it has been rung more often than `heard` tells; whether it was.
    fn wait_for(&self, heard: u64, patience: Duration) -> bool {
        let start = Instant::now();
        let mut rung = self.lock();
        while *rung == heard {
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(rung, left);
            rung = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[pymethods]
impl Bell {
    #[new]
    fn new() -> Self {
        Self {
            rung: Mutex::new(0),
            changed: Condvar::new(),
        }
    }

    /// Wakes whoever waits.
    fn ring(&self) {
        let mut rung = self.lock();
        *rung = rung.wrapping_add(1);
        self.changed.notify_all();
    }

    /// How often it was rung.
    fn count(&self) -> u64 {
        *self.lock()
    }

    /// For a thread of ours: waits until it is rung more often than `heard` tells, or for so long.
    fn wait(&self, py: Python<'_>, heard: u64, seconds: f64) {
        let patience = duration::of_seconds(seconds);
        py.detach(|| self.wait_for(heard, patience));
    }

    /// As `wait`, for a thread of the program: signals are seen to, and other greenlets go on.
    fn wait_with_others(&self, py: Python<'_>, heard: u64, seconds: f64) -> PyResult<()> {
        let start = Instant::now();
        let patience = duration::of_seconds(seconds);
        loop {
            let is_over = waiting::wait(py, |most| {
                let left = patience.saturating_sub(start.elapsed());
                let is_rung = self.wait_for(heard, left.min(most).min(STEP));
                let is_over = is_rung || start.elapsed() >= patience;
                // Where greenlets share the thread, this is asked again and again.
                (is_over || !most.is_zero()).then_some(is_over)
            })?;
            if is_over {
                return Ok(());
            }
            py.check_signals()?;
        }
    }
}
