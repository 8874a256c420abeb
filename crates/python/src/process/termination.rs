//! SIGTERM in a program that does not handle it: deliver what is queued, then die of the signal.
//!
//! Without this the operating system ends the process at once, with everything that is queued.
//! The handler itself only writes a byte; a thread of ours, woken by it, flushes within a time
//! limit, puts the default action back and sends the signal again. Whoever survives that (a
//! container's process 1, a program that waits for the signal) goes on as before. Programs (and
//! servers) that set a handler of their own replace this one, and it is never set in place of theirs.

use std::time::Duration;

use telemetry::export::PendingExport;

#[cfg(unix)]
pub(crate) use unix::{
    forget, forget_last, leave_signals_to_program, protect, protect_last, renew_in_child,
};

/// A last export that is made when the signal comes, of what is in no queue.
pub(crate) struct LastExport {
    pub(crate) begin: Box<dyn Fn(Duration) -> Vec<PendingExport> + Send + Sync>,
    /// Says what was lost of it.
    pub(crate) report: Box<dyn Fn() + Send + Sync>,
}

#[cfg(unix)]
mod unix {
    use std::io::{PipeReader, Read, Write};
    use std::os::fd::IntoRawFd;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use arc_swap::ArcSwapOption;
    use telemetry::export::batch::BatchProcessor;
    use telemetry::fork::generation;

    use super::super::wording::worded;
    use super::LastExport;

    const LET_THEM_FINISH: Duration = Duration::from_millis(50);

    /// The pipe's end that the handler writes to, and the generation of the process that reads it.
    static WAKE: AtomicI32 = AtomicI32::new(-1);
    static GENERATION: AtomicU32 = AtomicU32::new(0);
    /// How long the flush may take; zero before the first queue exists.
    static LIMIT_MILLIS: AtomicU64 = AtomicU64::new(0);

    /// The queues to flush.
    static QUEUES: ArcSwapOption<Vec<(u64, BatchProcessor)>> = ArcSwapOption::const_empty();
    static NEXT_ID: AtomicU64 = AtomicU64::new(1);

    // Without a lock, which another thread might hold when the process forks.
    fn change(change: impl Fn(&mut Vec<(u64, BatchProcessor)>)) {
        QUEUES.rcu(|queues| {
            let mut queues = queues.as_deref().cloned().unwrap_or_default();
            change(&mut queues);
            Some(Arc::new(queues))
        });
    }

    /// What is exported beside them.
    static LAST_EXPORTS: ArcSwapOption<Vec<(u64, Arc<LastExport>)>> = ArcSwapOption::const_empty();

    fn change_last(change: impl Fn(&mut Vec<(u64, Arc<LastExport>)>)) {
        LAST_EXPORTS.rcu(|exports| {
            let mut exports = exports.as_deref().cloned().unwrap_or_default();
            change(&mut exports);
            Some(Arc::new(exports))
        });
    }

    /// From now on this is exported, within `limit`, when SIGTERM would end the process. Returns what
    /// [`forget_last`] wants.
    pub(crate) fn protect_last(last: LastExport, limit: Duration) -> u64 {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let last = Arc::new(last);
        change_last(|exports| exports.push((id, Arc::clone(&last))));
        handle_unless_handled(limit);
        id
    }

    /// There is nothing to export any more.
    pub(crate) fn forget_last(id: u64) {
        change_last(|exports| exports.retain(|(known, _)| *known != id));
    }

    /// From now on `processor` is flushed for at most `limit` when SIGTERM would end the process.
    /// Returns what [`forget`] wants.
    pub(crate) fn protect(processor: &BatchProcessor, limit: Duration) -> u64 {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        change(|queues| queues.push((id, processor.clone())));
        handle_unless_handled(limit);
        id
    }

    fn handle_unless_handled(limit: Duration) {
        LIMIT_MILLIS.store(
            u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        let is_unhandled = || action() == Some(libc::SIG_DFL);
        if WAKE.load(Ordering::Relaxed) < 0 && is_unhandled() && start_thread() {
            set_action(ours());
        }
    }

    /// The processor has been shut down.
    pub(crate) fn forget(id: u64) {
        change(|queues| queues.retain(|(queue, _)| *queue != id));
    }

    /// A forked child inherits the handler but neither the thread nor the right to the pipe.
    pub(crate) fn renew_in_child() {
        if WAKE.load(Ordering::Relaxed) >= 0 && GENERATION.load(Ordering::Relaxed) != generation() {
            WAKE.store(-1, Ordering::Relaxed);
            start_thread();
        }
    }

    fn start_thread() -> bool {
        let Ok((reader, writer)) = std::io::pipe() else {
            return false;
        };
        let thread = std::thread::Builder::new()
            .name("oxitel-sigterm".to_owned())
            .stack_size(256 * 1024);
        #[expect(
            clippy::disallowed_methods,
            reason = "the one thread beside the worker: it waits for a signal, whatever the worker does"
        )]
        let thread = thread.spawn(move || {
            leave_signals_to_program();
            wait(reader);
        });
        if thread.is_err() {
            return false;
        }
        GENERATION.store(generation(), Ordering::Relaxed);
        WAKE.store(writer.into_raw_fd(), Ordering::Release);
        true
    }

    fn wait(mut reader: PipeReader) {
        loop {
            if reader.read_exact(&mut [0]).is_err() {
                // Somebody closed descriptors he does not know, as libraries that make daemons do.
                // The old number is not to be closed: it may be somebody else's by now.
                std::thread::sleep(LET_THEM_FINISH);
                let Ok((renewed, writer)) = std::io::pipe() else {
                    WAKE.store(-1, Ordering::Release);
                    std::mem::forget(reader);
                    return;
                };
                std::mem::forget(std::mem::replace(&mut reader, renewed));
                WAKE.store(writer.into_raw_fd(), Ordering::Release);
                continue;
            }
            let unsent = flush();
            if survives() {
                continue;
            }
            say(&unsent);
            die();
            // All threads of the program may have blocked the signal meanwhile, to wait for it.
            std::thread::sleep(LET_THEM_FINISH);
            replace_action(libc::SIG_DFL, ours());
        }
    }

    /// How often it is looked whether there is still something to wait for.
    const STEP: Duration = Duration::from_millis(20);

    /// Has everything sent that is queued; the queues where that could not be done.
    fn flush() -> Vec<BatchProcessor> {
        let limit = Duration::from_millis(LIMIT_MILLIS.load(Ordering::Relaxed));
        let deadline = Instant::now() + limit;
        let queues = QUEUES.load_full().unwrap_or_default();
        let last = LAST_EXPORTS.load_full().unwrap_or_default();
        let exports: Vec<_> = last
            .iter()
            .flat_map(|(_, last)| (last.begin)(limit))
            .collect();
        let flushes: Vec<_> = queues
            .iter()
            .map(|(_, queue)| (queue, queue.begin_flush(limit)))
            .collect();
        let mut unsent = Vec::new();
        for (queue, flush) in flushes {
            let left = || deadline.saturating_duration_since(Instant::now());
            match flush {
                Some(flush) => {
                    let mut is_sent = None;
                    while is_sent.is_none() && !left().is_zero() && !queue.is_kept_for_later() {
                        is_sent = flush.wait(left().min(STEP));
                    }
                    if is_sent != Some(true) {
                        unsent.push(queue.clone());
                    }
                }
                // It is being shut down, which says itself what is lost.
                None => drop(queue.begin_shutdown(limit).wait(left())),
            }
        }
        for export in exports {
            let _ = export.wait(deadline.saturating_duration_since(Instant::now()));
        }
        unsent
    }

    /// Says what is lost with the process, which is too late for the program's own logging.
    fn say(unsent: &[BatchProcessor]) {
        for queue in unsent {
            queue.report_unsent();
        }
        for (_, last) in LAST_EXPORTS.load_full().unwrap_or_default().iter() {
            (last.report)();
        }
        let mut output = std::io::stderr();
        let mut events = telemetry::diagnostics::take();
        events.extend(telemetry::diagnostics::take_losses());
        for event in &events {
            let _ = writeln!(output, "oxitel: {}", worded(event).text);
        }
    }

    /// Whether this process is its namespace's first, as a container's is that is run without an
    /// init: the kernel drops a signal that would kill it.
    fn survives() -> bool {
        std::process::id() == 1
    }

    extern "C" fn handle(_signal: libc::c_int) {
        let wake = WAKE.load(Ordering::Acquire);
        if wake < 0 || GENERATION.load(Ordering::Relaxed) != generation() {
            // A forked child that has recorded nothing.
            if !survives() {
                die();
            }
            return;
        }
        #[expect(unsafe_code, reason = "a signal handler may do little more than write")]
        // SAFETY: write is async-signal-safe; the byte outlives the call.
        let written = unsafe { libc::write(wake, [0_u8].as_ptr().cast(), 1) };
        if written != 1 {
            die();
        }
    }

    fn die() {
        replace_action(ours(), libc::SIG_DFL);
        #[expect(unsafe_code, reason = "kill has no safe binding")]
        // SAFETY: sends a signal to this process; async-signal-safe.
        unsafe {
            libc::kill(libc::getpid(), libc::SIGTERM);
        }
    }

    fn ours() -> libc::sighandler_t {
        handle as *const () as libc::sighandler_t
    }

    /// Replaces the action unless it is another one by now. Async-signal-safe.
    fn replace_action(present: libc::sighandler_t, new: libc::sighandler_t) {
        if action() == Some(present) {
            set_action(new);
        }
    }

    fn action() -> Option<libc::sighandler_t> {
        #[expect(unsafe_code, reason = "sigaction has no safe binding")]
        // SAFETY: only reads the action into a zeroed struct, which is valid for it.
        unsafe {
            let mut current: libc::sigaction = std::mem::zeroed();
            let is_read = libc::sigaction(libc::SIGTERM, std::ptr::null(), &raw mut current) == 0;
            is_read.then_some(current.sa_sigaction)
        }
    }

    fn set_action(action: libc::sighandler_t) {
        #[expect(unsafe_code, reason = "sigaction has no safe binding")]
        // SAFETY: `action` is SIG_DFL or a handler that is async-signal-safe and never goes away.
        unsafe {
            let mut new: libc::sigaction = std::mem::zeroed();
            new.sa_sigaction = action;
            new.sa_flags = libc::SA_RESTART;
            libc::sigemptyset(&raw mut new.sa_mask);
            libc::sigaction(libc::SIGTERM, &raw const new, std::ptr::null_mut());
        }
    }

    /// Blocks the process's signals in this thread, which is one of ours: a program that blocks one
    /// in its threads, to wait for it or to be left alone, knows nothing of ours.
    pub(crate) fn leave_signals_to_program() {
        /// What a thread is sent for its own fault.
        const FAULTS: [libc::c_int; 6] = [
            libc::SIGABRT,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGSEGV,
            libc::SIGTRAP,
        ];
        #[expect(unsafe_code, reason = "pthread_sigmask has no safe binding")]
        // SAFETY: fills a zeroed set, which is valid for it, and changes this thread alone.
        unsafe {
            let mut signals: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut signals);
            for fault in FAULTS {
                libc::sigdelset(&raw mut signals, fault);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut());
        }
    }
}

#[cfg(not(unix))]
pub(crate) fn protect(_: &telemetry::export::batch::BatchProcessor, _: Duration) -> u64 {
    0
}

#[cfg(not(unix))]
pub(crate) fn protect_last(_: LastExport, _: Duration) -> u64 {
    0
}

#[cfg(not(unix))]
pub(crate) fn forget_last(_: u64) {}

#[cfg(not(unix))]
pub(crate) fn forget(_: u64) {}

#[cfg(not(unix))]
pub(crate) fn renew_in_child() {}

#[cfg(not(unix))]
pub(crate) fn leave_signals_to_program() {}
