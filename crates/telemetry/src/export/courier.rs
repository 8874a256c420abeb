//! A delivery under way, whoever carries it: what became of its records so far, and what follows from an
//! answer.

use std::sync::atomic::Ordering;

use tokio::sync::watch;
use tokio::time::Instant;

use super::account::{Owner, Tally};
use super::session::{Ended, Session};
use super::transport::answer::{Reason, Trouble, TroubleKind};
use super::urgency::{Urgency, Wait};
use super::{report, retry};
use crate::diagnostics::event::Amount;
use crate::otlp::read::PartialSuccess;
use crate::otlp::request::Batch;

/// What was to be exported by an exporter that was shut down has this reason.
pub(super) const SHUT_DOWN: &str = "the exporter was shut down";

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Of the records that are settled.
    pub(crate) tally: Tally,
    /// Buffers of what is settled.
    pub(crate) spent: Vec<Batch>,
    /// What may be accepted another time.
    pub(crate) left: Option<Left>,
    /// What went wrong last, if anything did.
    pub(crate) reason: Reason,
    /// It was that a record is too large.
    pub(crate) is_too_large: bool,
    /// The outage that this delivery ended.
    pub(crate) outage: Option<Ended>,
}

/// Records that were not settled in the time there was.
#[derive(Debug)]
pub(crate) struct Left {
    /// In order; never empty.
    pub(crate) batches: Vec<Batch>,
    pub(crate) setback: Setback,
}

/// A try that failed, and may be repeated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setback {
    pub(crate) kind: TroubleKind,
    pub(crate) tried_at: Instant,
    /// The wait before another try.
    pub(crate) wait: Wait,
    /// The endpoint has never answered, and this try did not even connect.
    pub(crate) is_hopeless: bool,
}

impl Delivery {
    /// How many records are left.
    pub(crate) fn unsent(&self) -> usize {
        self.left.as_ref().map_or(0, Left::len)
    }
}

impl Left {
    pub(crate) fn len(&self) -> usize {
        self.batches.iter().map(Batch::len).sum()
    }
}

impl Setback {
    /// Whether the try began after shutdown did, so that it was the last one.
    pub(crate) fn was_closing(&self) -> bool {
        self.wait.seen.closing.is_some()
    }
}

/// One delivery under way.
pub(super) struct Courier<'a> {
    pub(super) session: &'a Session,
    pub(super) deadline: Instant,
    pub(super) urgency: &'a mut watch::Receiver<Urgency>,
    pub(super) owner: Owner,
    pub(super) delivery: Delivery,
}

impl Courier<'_> {
    /// Gives up a single record that is too large.
    pub(super) fn give_up(&mut self, batch: Batch, reason: Reason) {
        let bytes = batch.byte_len();
        self.delivery.tally.refused += 1;
        let so_far = self.lose(1);
        let settled = &self.session.settled;
        report::record_too_large(settled, bytes, reason.clone(), so_far);
        self.delivery.spent.push(batch);
        self.delivery.is_too_large = true;
        self.delivery.reason = reason;
    }

    pub(super) fn accept(&mut self, records: usize, partial: Option<PartialSuccess>) {
        self.delivery.outage = self.session.end_outage().or(self.delivery.outage);
        let rejected = partial.map_or(0, |partial| {
            let so_far = self.session.count_rejected(partial.rejected);
            report::partial_success(&self.session.settled, &partial, so_far);
            usize::try_from(partial.rejected)
                .unwrap_or(usize::MAX)
                .min(records)
        });
        self.delivery.tally.delivered += records - rejected;
        self.delivery.tally.rejected += rejected;
    }

    pub(super) fn fail(&mut self, records: usize, reason: Reason) {
        self.delivery.reason = reason;
        self.delivery.tally.refused += records;
    }

    /// Counts what the exporter loses: how much that is so far.
    pub(super) fn lose(&self, records: usize) -> Amount {
        self.session.count_lost(self.owner, records)
    }

    /// How long to wait before another try, and whether that is too long.
    pub(super) fn fall_back(
        &mut self,
        trouble: Trouble,
        seen: Urgency,
        tried_at: Instant,
    ) -> (Setback, bool) {
        let session = self.session;
        let now = Instant::now();
        let asked = trouble.asked.and_then(retry::granted);
        let time_left = seen
            .closing
            .map(|closing| closing.saturating_duration_since(now));
        let pause = retry::pause(session.count_failure(), asked, time_left);
        let setback = Setback {
            kind: trouble.kind,
            tried_at,
            wait: Wait {
                until: now + pause,
                is_asked: asked.is_some(),
                seen,
            },
            is_hopeless: trouble.kind.is_unconnected()
                && !session.has_answered.load(Ordering::Relaxed),
        };
        // An endpoint that was never there: the queue is told, where somebody may wait for it, and
        // nobody else waits either.
        let closing = self.urgency.borrow().closing;
        let is_over = setback.is_hopeless || setback.wait.until >= closing.unwrap_or(self.deadline);
        // Who gives up says so, and not that there will be another try.
        let says_so = !is_over || self.owner == Owner::Queue || trouble.kind == TroubleKind::Nobody;
        if says_so && session.is_news(trouble.kind, &trouble.reason.code) {
            let is_told = match trouble.kind {
                TroubleKind::Nobody => report::nobody_listens(&session.settled),
                _ => report::retrying(&session.settled, trouble.reason.clone(), pause),
            };
            if is_told {
                session.note_told(trouble.kind, &trouble.reason.code);
            }
        }
        self.delivery.reason = trouble.reason;
        (setback, is_over)
    }
}
