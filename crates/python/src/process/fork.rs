//! Notices forks, also those that C code makes behind the interpreter's back (uWSGI).

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use telemetry::fork::generation;

use super::{diagnostics, termination};
use crate::imports::oxitel;

/// The generation that Python code has been told of.
static SETTLED: AtomicU32 = AtomicU32::new(0);

/// Has every fork reported to `telemetry::fork`.
#[cfg(unix)]
pub(crate) fn watch() {
    extern "C" fn in_child() {
        telemetry::fork::entered_child();
    }
    #[expect(unsafe_code, reason = "pthread_atfork has no safe binding")]
    // SAFETY: the handler only bumps an atomic, which is all a forked child may do at that moment,
    // and lives as long as the process: extension modules are never unloaded.
    unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    }
    SETTLED.store(generation(), Ordering::Relaxed);
}

#[cfg(not(unix))]
pub(crate) fn watch() {}

/// The generation whose refresh has begun, and the thread that does it.
static CLAIMED: AtomicU32 = AtomicU32::new(0);
static CLAIMER: AtomicUsize = AtomicUsize::new(0);

/// How long other threads of a child wait for the first one to refresh its resource.
const PATIENCE: Duration = Duration::from_secs(5);

/// In a process that was forked since the last call: lets the providers refresh what depends on
/// the process (resource attributes). Costs a comparison otherwise.
#[inline]
pub(crate) fn settle(py: Python<'_>) {
    if SETTLED.load(Ordering::Acquire) != generation() {
        settle_child(py);
    }
}

#[cold]
fn settle_child(py: Python<'_>) {
    let (present, claimed) = (generation(), CLAIMED.load(Ordering::Acquire));
    let is_first = claimed != present
        && CLAIMED
            .compare_exchange(claimed, present, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
    if is_first {
        CLAIMER.store(this_thread(), Ordering::Release);
        refresh(py);
        SETTLED.store(present, Ordering::Release);
    } else if CLAIMER.load(Ordering::Acquire) != this_thread() {
        let start = Instant::now();
        while SETTLED.load(Ordering::Acquire) != present && start.elapsed() < PATIENCE {
            py.detach(|| std::thread::sleep(Duration::from_micros(200)));
        }
    }
    // Else this is the refresh itself, asking a provider for its resource.
}

fn refresh(py: Python<'_>) {
    termination::renew_in_child();
    let refresh = || oxitel::REFRESH_AFTER_FORK.get(py)?.call0();
    if let Err(error) = refresh() {
        diagnostics::report_exception(
            py,
            diagnostics::TRACE,
            "failed to refresh the resource after a fork",
            &error,
        );
    }
}

/// A number that no other living thread has.
fn this_thread() -> usize {
    thread_local! {
        static MARK: u8 = const { 0 };
    }
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

/// Python's way to [`settle`].
#[pyfunction]
pub(crate) fn settle_fork(py: Python<'_>) {
    settle(py);
}
