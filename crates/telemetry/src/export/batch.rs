//! The batch processor: takes finished records at once, and has the worker send them when a
//! batch is full or the oldest has waited long enough (specification, trace/sdk.md, "Batching
//! processor"). While the receiver is away the queue keeps what it has room for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

pub use super::account::Counts;
pub use super::config::BatchConfig;
use super::config::limited;
use super::exporter::Exporter;
pub use super::flush::{Flush, Shutdown};
use super::sender::{Renew, Sender};
use super::spool::SpoolCounts;
use super::worker;
use crate::fork::{Owned, PerProcess};
use crate::otlp::request::Group;

/// Takes records and sends them in batches. Cheap to clone. Lives through forks: the child starts
/// with an empty queue.
#[derive(Clone)]
pub struct BatchProcessor {
    shared: Arc<Shared>,
}

struct Shared {
    config: BatchConfig,
    exporter: Arc<Exporter>,
    is_shut_down: AtomicBool,
    renew: Renew,
    sender: PerProcess<Sender>,
}

impl BatchProcessor {
    /// Whether both are handles of one queue.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// No thread is started before the first record.
    pub fn new(mut config: BatchConfig, exporter: Arc<Exporter>) -> Self {
        config.schedule_delay = limited(config.schedule_delay);
        Self {
            shared: Arc::new_cyclic(|shared| {
                let shared: Weak<Shared> = Weak::clone(shared);
                let renew: Renew = Arc::new(move || {
                    if let Some(shared) = shared.upgrade() {
                        shared.sender();
                    }
                });
                Shared {
                    sender: PerProcess::new(Sender::new(&config, &exporter, false, &renew)),
                    renew,
                    config,
                    exporter,
                    is_shut_down: AtomicBool::new(false),
                }
            }),
        }
    }

    /// Queues a record, the body of an encoded `Span`, `Metric` or `LogRecord`. Where the queue is
    /// full, the oldest record is dropped.
    #[inline]
    pub fn push(&self, group: &Arc<Group>, record: &[u8]) {
        let sender = self.shared.sender.load();
        let is_taken = sender
            .as_ref()
            .is_some_and(|sender| sender.is_ours() && sender.push(group, record));
        if !is_taken {
            self.push_anew(group, record);
        }
    }

    /// For a record that came to a sender of another process, or of a worker that was lost.
    #[cold]
    fn push_anew(&self, group: &Arc<Group>, record: &[u8]) {
        // Replaced, if at all, a moment ago.
        self.shared.sender().push(group, record);
    }

    /// Counts a record that is not to be exported, since a processor before this one failed to see
    /// it, or that cannot be encoded.
    pub fn withhold(&self) {
        self.shared.sender().lock().queue.withhold();
    }

    /// Waits until everything queued so far was accepted by the receiver; false where it was not,
    /// or not in time, or after shutdown. Not with the interpreter's lock held.
    #[must_use]
    pub fn force_flush(&self, timeout: Duration) -> bool {
        let Some(flush) = self.begin_flush(timeout) else {
            return false;
        };
        loop {
            if let Some(is_flushed) = flush.wait(Duration::MAX) {
                return is_flushed;
            }
        }
    }

    /// Has everything that is queued sent; none after shutdown.
    #[must_use]
    pub fn begin_flush(&self, timeout: Duration) -> Option<Flush> {
        worker::notice_loss();
        let start = Instant::now();
        let sender = self.shared.sender();
        let id = sender.begin_flush()?;
        Some(Flush {
            sender,
            id,
            start,
            timeout,
        })
    }

    /// Sends what is queued within `timeout`, and stops. Whether all of it was delivered; a second
    /// call has the result of the first. Not with the interpreter's lock held.
    #[must_use]
    pub fn shutdown(&self, timeout: Duration) -> bool {
        let shutdown = self.begin_shutdown(timeout);
        loop {
            if let Some(is_delivered) = shutdown.wait(Duration::MAX) {
                return is_delivered;
            }
        }
    }

    /// Refuses records from now on, and has what is queued sent within `timeout`.
    #[must_use]
    pub fn begin_shutdown(&self, timeout: Duration) -> Shutdown {
        worker::notice_loss();
        self.shared.is_shut_down.store(true, Ordering::Relaxed);
        let sender = self.shared.sender();
        let deadline = sender.close(timeout);
        Shutdown { sender, deadline }
    }

    /// Says whose records these are going to be, by the encoded `Resource`: what earlier processes of
    /// that service have left is sent, though there may be no record for a while.
    pub fn serve(&self, resource: &[u8]) {
        if self.shared.config.spool.is_some() {
            self.shared.sender().serve(resource);
        }
    }

    /// Whether there is nothing to wait for: the receiver is away, and all there is is in the spool.
    #[must_use]
    pub fn is_kept_for_later(&self) -> bool {
        self.shared.sender().is_kept_for_later()
    }

    /// What became of what was kept in the spool, and how many records of other processes wait there
    /// to be sent by this one.
    #[must_use]
    pub fn spool_counts(&self) -> (SpoolCounts, u64) {
        let sender = self.shared.sender();
        let guarded = sender.lock();
        let unjournaled = guarded.queue.unjournaled();
        let spool = SpoolCounts {
            unjournaled,
            ..guarded.spool
        };
        (spool, guarded.adopted_waiting)
    }

    /// What became of the records so far, in this process.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.sender().lock().queue.counts()
    }

    /// Says what is lost if the process ends now, without a shutdown.
    pub fn report_unsent(&self) {
        self.shared.sender().report_unsent();
    }
}

impl Shared {
    /// This process's. The parent's queue is the parent's to send; its lock may be held for ever here.
    fn sender(&self) -> Arc<Sender> {
        self.sender.get_replacing(
            |before| {
                let is_child = before.is_some_and(|before| !before.epoch.is_of_this_process());
                let is_stopped = is_child && self.is_shut_down.load(Ordering::Relaxed);
                Sender::new(&self.config, &self.exporter, is_stopped, &self.renew)
            },
            |fresh, before| {
                if before.epoch.is_of_this_process() {
                    fresh.take_over(before);
                }
            },
        )
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        worker::notice_loss();
        let is_parents = self
            .sender
            .load()
            .as_deref()
            .is_some_and(|sender| !sender.epoch.is_of_this_process());
        if !is_parents {
            self.sender().close(self.config.export_timeout);
        }
    }
}
