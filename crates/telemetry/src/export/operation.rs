//! What the exports of a process took and came to, kept for whoever makes metrics of it. Nothing is
//! kept until somebody has asked.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The most operations that wait to be taken; the oldest give way.
const MAX_KEPT: usize = 1024;

/// What a record is called that is larger than a request may be by the configuration: the official
/// exporters' exception.
pub(super) const TOO_LARGE: &str = "RequestPayloadTooLargeError";

/// One export, with all its attempts; or the end of what was to be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `None` where records were given up after earlier exports of theirs.
    pub duration: Option<Duration>,
    /// Records that the receiver accepted.
    pub delivered: usize,
    /// Not accepted, by the receiver's own account ("partial success").
    pub rejected: usize,
    /// Records that it refused, or that were given up.
    pub failed: usize,
    /// Whether something was not delivered, if only for the time being.
    pub is_failure: bool,
    /// The last error's HTTP status or gRPC code, or the name of what is too large; empty for others.
    pub code: String,
}

#[derive(Debug, Default)]
pub(crate) struct Operations {
    pub(crate) are_wanted: AtomicBool,
    in_flight: AtomicUsize,
    done: Mutex<VecDeque<Operation>>,
}

impl Operations {
    pub(crate) fn wanted(are_wanted: bool) -> Self {
        Self {
            are_wanted: AtomicBool::new(are_wanted),
            ..Self::default()
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Those that have ended since the last call.
    pub(crate) fn take(&self) -> Vec<Operation> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *done).into()
    }

    /// `failed` records of earlier exports are not tried again.
    pub(crate) fn give_up(&self, failed: usize) {
        if self.are_wanted.load(Ordering::Relaxed) {
            self.keep(Operation {
                duration: None,
                delivered: 0,
                rejected: 0,
                failed,
                is_failure: true,
                code: String::new(),
            });
        }
    }

    fn keep(&self, operation: Operation) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.len() == MAX_KEPT {
            done.pop_front();
        }
        done.push_back(operation);
    }

    /// An export of `count` records begins.
    pub(crate) fn begin(&self, count: usize) -> Option<Running<'_>> {
        if !self.are_wanted.load(Ordering::Relaxed) {
            return None;
        }
        self.in_flight.fetch_add(count, Ordering::Relaxed);
        Some(Running {
            operations: self,
            count,
            start: Instant::now(),
        })
    }
}

/// An export under way. Dropped when it has ended, or was given up.
pub(crate) struct Running<'a> {
    operations: &'a Operations,
    count: usize,
    start: Instant,
}

impl Running<'_> {
    /// Keeps how it ended; how long it took is known here.
    pub(crate) fn end(self, operation: Operation) {
        let duration = Some(self.start.elapsed());
        self.operations.keep(Operation {
            duration,
            ..operation
        });
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.operations
            .in_flight
            .fetch_sub(self.count, Ordering::Relaxed);
    }
}
