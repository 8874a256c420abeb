//! Waiting for a queue to be delivered, in steps that the host language can break off.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::sender::Sender;

/// How much later than asked a shutdown may return, for the worker to tell what was lost.
const GRACE: Duration = Duration::from_millis(100);

/// A flush that was begun. One that nobody waits for any more is forgotten.
pub struct Flush {
    pub(super) sender: Arc<Sender>,
    /// What the queue knows this wait by.
    pub(super) id: u64,
    pub(super) start: Instant,
    pub(super) timeout: Duration,
}

impl Flush {
    /// Waits for at most `patience`; none while the flush is still going on. Once it has told the
    /// outcome, as [`super::batch::BatchProcessor::force_flush`] does, it is over.
    pub fn wait(&self, patience: Duration) -> Option<bool> {
        if !self.sender.epoch.is_of_this_process() {
            return Some(false);
        }
        let begin = Instant::now();
        let mut guarded = self.sender.lock();
        loop {
            let left = self.timeout.saturating_sub(self.start.elapsed());
            let is_hopeless = guarded.hopeless_at.is_some_and(|at| at >= self.start);
            let is_over = guarded.queue.is_over(self.id) || guarded.is_stopped;
            if is_over || is_hopeless || left.is_zero() {
                return Some(guarded.queue.end_wait(self.id));
            }
            let patience = patience.saturating_sub(begin.elapsed());
            if patience.is_zero() {
                return None;
            }
            let waited = self
                .sender
                .shared
                .changed
                .wait_timeout(guarded, left.min(patience));
            guarded = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if self.sender.epoch.is_of_this_process() {
            self.sender.lock().queue.end_wait(self.id);
        }
    }
}

/// A shutdown that was begun.
pub struct Shutdown {
    pub(super) sender: Arc<Sender>,
    pub(super) deadline: Instant,
}

impl Shutdown {
    /// Waits for at most `patience`; none while it is still going on. As
    /// [`super::batch::BatchProcessor::shutdown`].
    pub fn wait(&self, patience: Duration) -> Option<bool> {
        if !self.sender.epoch.is_of_this_process() {
            return Some(false);
        }
        let begin = Instant::now();
        let mut guarded = self.sender.lock();
        while !guarded.is_stopped {
            let left = (self.deadline + GRACE).saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(guarded);
                self.sender.finish();
                return Some(self.sender.lock().was_all_delivered);
            }
            let patience = patience.saturating_sub(begin.elapsed());
            if patience.is_zero() {
                return None;
            }
            let waited = self
                .sender
                .shared
                .changed
                .wait_timeout(guarded, left.min(patience));
            guarded = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(guarded.was_all_delivered)
    }
}
