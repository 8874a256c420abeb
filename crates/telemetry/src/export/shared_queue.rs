//! A queue behind a lock, as the program's threads and the worker share it.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::config::BatchConfig;
use super::exporter::Exporter;
use super::queue::{Left, Queue};
use super::spool::SpoolCounts;
use crate::diagnostics::event::{Amount, Cause};

/// How often a full queue is mentioned.
const QUIET: Duration = Duration::from_secs(20);

pub(super) struct SharedQueue {
    pub(super) config: BatchConfig,
    pub(super) exporter: Arc<Exporter>,
    guarded: Mutex<Guarded>,
    /// Something changed for those who wait in `force_flush` or `shutdown`.
    pub(super) changed: Condvar,
    /// There is something to do for the task.
    pub(super) wake: Notify,
}

pub(super) struct Guarded {
    pub(super) queue: Queue,
    pub(super) closing: Option<Instant>,
    /// Closing has come to its end, and somebody is telling what was lost.
    pub(super) is_finishing: bool,
    pub(super) is_stopped: bool,
    /// Where what was here has gone, since the worker was lost.
    pub(super) successor: Option<Arc<SharedQueue>>,
    pub(super) was_all_delivered: bool,
    /// Those who began to wait before this gave up hope.
    pub(super) hopeless_at: Option<Instant>,
    /// When the current batch is to be sent though it is not full.
    pub(super) due: Option<tokio::time::Instant>,
    pub(super) full_said_at: Option<Instant>,
    /// Why something was not sent, last.
    pub(super) reason: String,
    /// Why something was refused, last.
    pub(super) refused: String,
    /// Since when the receiver has been away, if it is.
    pub(super) outage_since: Option<Instant>,
    /// How many of the dropped records have been spoken of with their number.
    pub(super) dropped_said: u64,
    /// The waiter that `close` made.
    pub(super) close_wait: Option<u64>,
    /// What the spool has said last.
    pub(super) spool: SpoolCounts,
    /// Records of other processes that wait to be sent.
    pub(super) adopted_waiting: u64,
}

/// What there is to tell of a queue at its end.
pub(super) struct End {
    pub(super) made: Amount,
    pub(super) losses: Vec<(Cause, u64)>,
    /// Records in the spool.
    pub(super) kept: usize,
    /// What was not sent was to go to a place that has never answered.
    pub(super) is_hopeless: bool,
}

impl SharedQueue {
    pub(super) fn new(config: &BatchConfig, exporter: &Arc<Exporter>, is_stopped: bool) -> Self {
        let spool = config.spool.as_ref();
        let journal = spool.and_then(|spool| exporter.settled().journal(spool));
        Self {
            config: config.clone(),
            exporter: Arc::clone(exporter),
            guarded: Mutex::new(Guarded {
                queue: Queue::new(
                    config.max_queue_size,
                    config.max_export_batch_size,
                    config.spool.is_some(),
                    journal,
                ),
                closing: None,
                is_finishing: is_stopped,
                is_stopped,
                successor: None,
                was_all_delivered: true,
                hopeless_at: None,
                due: None,
                full_said_at: None,
                reason: String::new(),
                refused: String::new(),
                outage_since: None,
                dropped_said: 0,
                close_wait: None,
                spool: SpoolCounts::default(),
                adopted_waiting: 0,
            }),
            changed: Condvar::new(),
            wake: Notify::new(),
        }
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with what is, or once was, in this queue.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Guarded) -> T) -> T {
        let mut guarded = self.lock();
        let Some(successor) = guarded.successor.clone() else {
            return work(&mut guarded);
        };
        drop(guarded);
        successor.with(work)
    }
}

impl Guarded {
    /// Where there is a spool: whether the receiver is known to be away, and nothing would be lost with
    /// the process.
    pub(super) fn is_kept_for_later(&self) -> bool {
        self.outage_since.is_some() && !self.queue.has_unwritten()
    }

    /// What there is to tell if the queue ends now, and `left` is what becomes of what is in it.
    pub(super) fn end(&self, left: Left) -> End {
        let mut counts = self.queue.counts();
        counts.unsent += left.lost as u64;
        End {
            made: Amount::Records(counts.made),
            losses: counts.losses(&self.refused, &self.reason),
            kept: left.kept,
            is_hopeless: self.hopeless_at.is_some(),
        }
    }

    /// How many records were dropped since their number was last spoken of; now it is.
    pub(super) fn unsaid_drops(&mut self) -> u64 {
        let dropped = self.queue.counts().dropped_queue_full;
        dropped - mem::replace(&mut self.dropped_said, dropped)
    }

    #[cold]
    pub(super) fn may_say_full(&mut self) -> bool {
        let now = Instant::now();
        let is_quiet = self.full_said_at.is_some_and(|at| {
            // While the receiver is away a full queue is no news.
            let is_same_outage = self.outage_since.is_some_and(|since| at >= since);
            is_same_outage || now.duration_since(at) < QUIET
        });
        if !is_quiet {
            self.full_said_at = Some(now);
        }
        !is_quiet
    }
}
