//! What an exporter has in one process: its connections, what it knows of the receiver, and what its
//! exports came to.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use super::operation::Operations;
use super::settled::Settled;
use super::transport::answer::TroubleKind;
use super::transport::line::Line;
use super::urgency::Urgency;
use super::worker::Epoch;
use crate::fork::Owned;

/// Buffers larger than this are given back to the system after use.
const MAX_SPARE_BUFFER: usize = 4 << 20;

/// An outage that was spoken of.
struct Outage {
    since: Instant,
    /// What was said last: the kind of trouble and its code.
    said: Option<(TroubleKind, String)>,
}

/// What an exporter has in one process, as long as its worker lives.
pub(crate) struct Session {
    epoch: Epoch,
    pub(crate) settled: Arc<Settled>,
    pub(crate) line: Line,
    /// Whether the endpoint has ever answered.
    pub(crate) has_answered: AtomicBool,
    pub(crate) is_shut_down: AtomicBool,
    /// Failures since the last answer that accepted something.
    failures: AtomicU32,
    outage: Mutex<Option<Outage>>,
    /// Exports that somebody waited for and that were given up, since nothing listened.
    pub(crate) lost_exports: AtomicU32,
    pub(crate) operations: Operations,
    pub(super) urgency: watch::Sender<Urgency>,
    spare: Mutex<Vec<u8>>,
}

impl Owned for Session {
    fn is_ours(&self) -> bool {
        self.epoch.is_now()
    }
}

impl Session {
    pub(super) fn new(
        settled: &Arc<Settled>,
        is_shut_down: bool,
        are_operations_wanted: bool,
    ) -> Self {
        Self {
            epoch: Epoch::now(),
            settled: Arc::clone(settled),
            line: Line::default(),
            has_answered: AtomicBool::new(false),
            is_shut_down: AtomicBool::new(is_shut_down),
            failures: AtomicU32::new(0),
            outage: Mutex::new(None),
            lost_exports: AtomicU32::new(0),
            operations: Operations::wanted(are_operations_wanted),
            urgency: watch::Sender::new(Urgency::default()),
            spare: Mutex::default(),
        }
    }

    /// The one that comes after `before`, whose worker was lost or which is a parent's.
    pub(super) fn after(before: &Self) -> Self {
        let is_shut_down = before.is_shut_down.load(Ordering::Relaxed);
        let are_wanted = before.operations.are_wanted.load(Ordering::Relaxed);
        let fresh = Self::new(&before.settled, is_shut_down, are_wanted);
        // What a process knew before a fork, its child knows: a receiver that was there is waited for.
        let has_answered = before.has_answered.load(Ordering::Relaxed);
        fresh.has_answered.store(has_answered, Ordering::Relaxed);
        fresh
    }

    /// Counts a failure: how many there were since the last answer that accepted something.
    pub(super) fn count_failure(&self) -> u32 {
        self.failures
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1)
    }

    /// Something was answered, which ends an outage if there was one that was spoken of: how long it
    /// was.
    pub(super) fn end_outage(&self) -> Option<Duration> {
        self.failures.store(0, Ordering::Relaxed);
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        outage.take().map(|outage| outage.since.elapsed())
    }

    /// Whether this trouble is to be spoken of: once for as long as it stays the same.
    pub(super) fn is_news(&self, kind: TroubleKind, code: &str) -> bool {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let outage = outage.get_or_insert_with(|| Outage {
            since: Instant::now(),
            said: None,
        });
        let is_said = outage
            .said
            .as_ref()
            .is_some_and(|(said, of)| *said == kind && of == code);
        if !is_said {
            outage.said = Some((kind, code.to_owned()));
        }
        !is_said
    }

    /// An empty buffer, used before where possible.
    pub(crate) fn take_buffer(&self) -> Vec<u8> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *spare)
    }

    /// Takes back the buffer of a request that nobody refers to any more.
    pub(crate) fn give_back(&self, body: Bytes) {
        if let Ok(buffer) = body.try_into_mut()
            && buffer.capacity() <= MAX_SPARE_BUFFER
        {
            let mut buffer = Vec::from(buffer);
            buffer.clear();
            *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = buffer;
        }
    }
}
