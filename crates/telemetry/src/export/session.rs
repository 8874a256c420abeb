//! What an exporter has in one process: its connections, what it knows of the receiver, and what its
//! exports came to.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use super::account::{Calls, Owner, Tally};
use super::operation::Operations;
use super::settled::Settled;
use super::transport::answer::TroubleKind;
use super::transport::line::Line;
use super::urgency::Urgency;
use super::worker::Epoch;
use crate::diagnostics::event::Amount;
use crate::fork::Owned;
use crate::otlp::signal::Signal;

/// Buffers larger than this are given back to the system after use.
const MAX_SPARE_BUFFER: usize = 4 << 20;

/// Nothing was accepted for a while.
struct Outage {
    since: Instant,
    /// What was said last, if anything was: the kind of trouble and its code.
    said: Option<(TroubleKind, String)>,
}

/// An outage that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) length: Duration,
    /// Whether it was spoken of.
    pub(crate) was_told: bool,
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
    /// What became of the exports that somebody waited for.
    pub(crate) calls: Mutex<Calls>,
    /// Records that the receiver refused, or for which nobody had the time to wait.
    lost_records: AtomicU64,
    /// Exports that ended so.
    lost_exports: AtomicU64,
    /// Records that it did not take, by its own account.
    rejected: AtomicU64,
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
            calls: Mutex::default(),
            lost_records: AtomicU64::new(0),
            lost_exports: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
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

    /// Something was answered, which ends an outage if there was one.
    pub(super) fn end_outage(&self) -> Option<Ended> {
        self.failures.store(0, Ordering::Relaxed);
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        outage.take().map(|outage| Ended {
            length: outage.since.elapsed(),
            was_told: outage.said.is_some(),
        })
    }

    /// Whether this trouble is to be spoken of: once for as long as it stays the same.
    pub(super) fn is_news(&self, kind: TroubleKind, code: &str) -> bool {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let outage = outage.get_or_insert_with(|| Outage {
            since: Instant::now(),
            said: None,
        });
        let said = outage.said.as_ref();
        !said.is_some_and(|(said, of)| *said == kind && of == code)
    }

    /// It was spoken of.
    pub(super) fn note_told(&self, kind: TroubleKind, code: &str) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outage) = outage.as_mut() {
            outage.said = Some((kind, code.to_owned()));
        }
    }

    /// Counts what was lost with one export: how much that is so far. Of metrics the exports are
    /// counted, since the next one has their values again.
    pub(super) fn count_lost(&self, owner: Owner, records: usize) -> Amount {
        let (so_far, count) = self.losses(owner, records);
        let so_far = so_far.fetch_add(count, Ordering::Relaxed);
        Amount::of(self.counts_exports(owner), so_far.saturating_add(count))
    }

    /// Where losses are counted, and by how many that rises with an export of so many records.
    fn losses(&self, owner: Owner, records: usize) -> (&AtomicU64, u64) {
        match self.counts_exports(owner) {
            true => (&self.lost_exports, 1),
            false => (&self.lost_records, records as u64),
        }
    }

    /// Nobody waits any more for an export of so many records that the worker is still at: how much is
    /// lost so far, with it.
    pub(super) fn abandon(&self, records: usize) -> Amount {
        let (_, count) = self.losses(Owner::Caller, records);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.abandoned += count;
        self.count_lost(Owner::Caller, records)
    }

    /// The worker will say itself what became of it.
    pub(super) fn take_up(&self, records: usize) {
        let (so_far, count) = self.losses(Owner::Caller, records);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        // Zero where it was said at shutdown.
        calls.abandoned = calls.abandoned.saturating_sub(count);
        so_far.fetch_sub(count, Ordering::Relaxed);
    }

    /// Counts what the receiver did not take: how much that is so far.
    pub(super) fn count_rejected(&self, records: u64) -> u64 {
        self.rejected
            .fetch_add(records, Ordering::Relaxed)
            .saturating_add(records)
    }

    fn counts_exports(&self, owner: Owner) -> bool {
        owner == Owner::Caller && self.settled.signal == Signal::Metrics
    }

    /// Accounts for an export that somebody waited for, of so many records: what became of it, and how
    /// much there was no time for.
    pub(super) fn account(
        &self,
        made: usize,
        tally: Tally,
        unsent: usize,
        is_hopeless: bool,
        reason: &str,
    ) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = &mut calls.counts;
        let (made, delivered, rejected, refused, unsent) = if self.counts_exports(Owner::Caller) {
            // Whatever is worst of it.
            let is_refused = tally.refused > 0 && unsent == 0;
            let is_rejected = tally.rejected > 0 && !is_refused && unsent == 0;
            let is_delivered = !is_refused && !is_rejected && unsent == 0;
            let all = [is_delivered, is_rejected, is_refused, unsent > 0].map(u64::from);
            let [delivered, rejected, refused, unsent] = all;
            (1, delivered, rejected, refused, unsent)
        } else {
            let all = [made, tally.delivered, tally.rejected, tally.refused, unsent];
            let [made, delivered, rejected, refused, unsent] = all.map(|count| count as u64);
            (made, delivered, rejected, refused, unsent)
        };
        counts.made += made;
        counts.submitted += made;
        counts.delivered += delivered;
        counts.rejected += rejected;
        counts.refused += refused;
        counts.unsent += unsent;
        if refused > 0 {
            calls.refused = reason.to_owned();
        }
        if unsent > 0 {
            calls.unsent = reason.to_owned();
            calls.is_hopeless = is_hopeless;
        }
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
