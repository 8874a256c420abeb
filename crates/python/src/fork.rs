//! Notices forks, also those that C code makes behind the interpreter's back (uWSGI).

use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::prelude::*;
use telemetry::fork::generation;

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

/// In a process that was forked since the last call: lets the providers refresh what depends on
/// the process (resource attributes). Costs a comparison otherwise.
#[inline]
pub(crate) fn settle(py: Python<'_>) {
    if SETTLED.load(Ordering::Relaxed) != generation() {
        settle_child(py);
    }
}

#[cold]
fn settle_child(py: Python<'_>) {
    // First, since refreshing makes providers answer, which brings them here again.
    SETTLED.store(generation(), Ordering::Relaxed);
    crate::termination::renew_in_child();
    let refresh = || {
        py.import("oxitel.trace.provider")?
            .call_method0("refresh_after_fork")
    };
    if let Err(error) = refresh() {
        crate::diagnostics::report_exception(
            py,
            crate::diagnostics::TRACE,
            "failed to refresh the resource after a fork",
            &error,
        );
    }
}

/// Python's way to [`settle`].
#[pyfunction]
pub(crate) fn settle_fork(py: Python<'_>) {
    settle(py);
}
