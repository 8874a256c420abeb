//! A batch on its way: split where it is too large, tried again where that may help, until it is
//! settled or time is up. What an answer means is for [`super::verdict`] to say.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

pub(crate) use super::account::{Owner, Tally};
use super::attempt::{attempt, encode};
use super::operation::{Operation, TOO_LARGE};
use super::session::{Ended, Session};
use super::transport::answer::{Reason, Trouble, TroubleKind};
use super::urgency::{Urgency, Wait};
use super::verdict::{Sent, Verdict, verdict};
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

/// Sends a batch, trying again until `deadline`; at shutdown for as long as that leaves.
pub(crate) async fn deliver(
    session: &Session,
    batch: Batch,
    deadline: Instant,
    urgency: &mut watch::Receiver<Urgency>,
    owner: Owner,
) -> Delivery {
    let operation = session.operations.begin(batch.len());
    let courier = Courier {
        session,
        deadline,
        urgency,
        owner,
        delivery: Delivery::default(),
    };
    let delivery = courier.send(batch).await;
    if let Some(operation) = operation {
        let Tally {
            delivered,
            rejected,
            refused,
        } = delivery.tally;
        operation.end(Operation {
            duration: None,
            delivered,
            rejected,
            failed: refused,
            is_failure: refused > 0 || delivery.left.is_some(),
            code: match delivery.reason.code.as_str() {
                "" if delivery.is_too_large => TOO_LARGE.to_owned(),
                code => code.to_owned(),
            },
        });
    }
    delivery
}

/// One delivery under way.
struct Courier<'a> {
    session: &'a Session,
    deadline: Instant,
    urgency: &'a mut watch::Receiver<Urgency>,
    owner: Owner,
    delivery: Delivery,
}

/// What came of a part.
enum Part {
    Settled,
    Split(Reason),
    Left(Setback),
}

impl Courier<'_> {
    async fn send(mut self, batch: Batch) -> Delivery {
        // Parts still to be sent, the next one last.
        let mut parts = vec![batch];
        while let Some(batch) = parts.pop() {
            if batch.is_empty() {
                self.delivery.spent.push(batch);
                continue;
            }
            match self.send_part(&batch).await {
                Part::Settled => self.delivery.spent.push(batch),
                Part::Split(reason) if batch.len() > 1 => {
                    let (first, second) = batch.split();
                    parts.push(second);
                    parts.push(first);
                    self.delivery.reason = reason;
                }
                Part::Split(reason) => {
                    let bytes = batch.byte_len();
                    self.delivery.tally.refused += 1;
                    let so_far = self.lose(1);
                    let settled = &self.session.settled;
                    report::record_too_large(settled, bytes, reason.clone(), so_far);
                    self.delivery.spent.push(batch);
                    self.delivery.is_too_large = true;
                    self.delivery.reason = reason;
                }
                Part::Left(setback) => {
                    parts.push(batch);
                    parts.reverse();
                    self.delivery.left = Some(Left {
                        batches: parts,
                        setback,
                    });
                    break;
                }
            }
        }
        self.delivery
    }

    async fn send_part(&mut self, batch: &Batch) -> Part {
        let body = match encode(self.session, batch) {
            Ok(body) => body,
            Err(reason) => return Part::Split(reason),
        };
        let part = self.send_until_settled(&body, batch.len()).await;
        self.session.give_back(body);
        part
    }

    async fn send_until_settled(&mut self, body: &Bytes, records: usize) -> Part {
        let session = self.session;
        let mut sent = Sent {
            bytes: body.len(),
            records,
            has_reconnected: false,
        };
        loop {
            if session.is_shut_down.load(Ordering::Relaxed) {
                report::exporter_shut_down(&session.settled);
                return self.fail(records, Reason::text(SHUT_DOWN));
            }
            let seen = *self.urgency.borrow_and_update();
            let tried_at = Instant::now();
            let give_up_at = match seen.closing {
                Some(closing) => closing.min(tried_at + session.settled.timeout),
                None => self.deadline,
            };
            let answer = attempt(session, body, give_up_at, self.urgency).await;
            match verdict(answer, sent) {
                Verdict::Accepted(partial) => return self.accept(records, partial),
                Verdict::Split(reason) => return Part::Split(reason),
                Verdict::Refused(reason) => {
                    if session.end_outage().is_some() {
                        report::end_silently(&session.settled);
                    }
                    let so_far = self.lose(records);
                    report::export_failed(&session.settled, &reason, so_far);
                    return self.fail(records, reason);
                }
                Verdict::Reconnect => {
                    sent.has_reconnected = true;
                    session.line.forget();
                }
                Verdict::Later(trouble) => {
                    let (setback, is_over) = self.fall_back(trouble, seen, tried_at);
                    if is_over {
                        return Part::Left(setback);
                    }
                    setback.wait.run(self.urgency).await;
                }
            }
        }
    }

    fn accept(&mut self, records: usize, partial: Option<PartialSuccess>) -> Part {
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
        Part::Settled
    }

    fn fail(&mut self, records: usize, reason: Reason) -> Part {
        self.delivery.reason = reason;
        self.delivery.tally.refused += records;
        Part::Settled
    }

    /// Counts what the exporter loses: how much that is so far.
    fn lose(&self, records: usize) -> Amount {
        self.session.count_lost(self.owner, records)
    }

    /// How long to wait before another try, and whether that is too long.
    fn fall_back(&mut self, trouble: Trouble, seen: Urgency, tried_at: Instant) -> (Setback, bool) {
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
