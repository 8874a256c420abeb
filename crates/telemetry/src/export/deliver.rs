//! A batch on its way: split where it is too large, tried again where that may help, until it is
//! settled or time is up. What an answer means is for [`super::verdict`] to say.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

pub(crate) use super::account::{Owner, Tally};
use super::attempt::{attempt, encode};
use super::carrying;
pub(super) use super::courier::SHUT_DOWN;
use super::courier::{Courier, Setback};
pub(crate) use super::courier::{Delivery, Left};
use super::operation::{Operation, TOO_LARGE};
use super::report;
use super::session::Session;
use super::transport::answer::Reason;
use super::urgency::Urgency;
use super::verdict::{Sent, Verdict, verdict};
use crate::otlp::request::Batch;

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
    let delivery = match &session.settled.carrier {
        Some(carrier) => carrying::carry(courier, carrier, batch).await,
        None => courier.send(batch).await,
    };
    if let Some(operation) = operation {
        let Tally {
            delivered,
            rejected,
            refused,
        } = delivery.tally;
        let given_up = match owner {
            Owner::Caller => delivery.unsent(),
            Owner::Queue => 0,
        };
        operation.end(Operation {
            duration: None,
            delivered,
            rejected,
            failed: refused + given_up,
            is_failure: refused > 0 || delivery.left.is_some(),
            code: match delivery.reason.code.as_str() {
                "" if delivery.is_too_large => TOO_LARGE.to_owned(),
                code => code.to_owned(),
            },
        });
    }
    delivery
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
                Part::Split(reason) => self.give_up(batch, reason),
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
                self.fail(records, Reason::text(SHUT_DOWN));
                return Part::Settled;
            }
            let seen = *self.urgency.borrow_and_update();
            let tried_at = Instant::now();
            let give_up_at = match seen.closing {
                Some(closing) => closing.min(tried_at + session.settled.timeout),
                None => self.deadline,
            };
            let answer = attempt(session, body, give_up_at, self.urgency).await;
            match verdict(answer, sent) {
                Verdict::Accepted(partial) => {
                    self.accept(records, partial);
                    return Part::Settled;
                }
                Verdict::Split(reason) => return Part::Split(reason),
                Verdict::Refused(reason) => {
                    if session.end_outage().is_some() {
                        report::end_silently(&session.settled);
                    }
                    let so_far = self.lose(records);
                    report::export_failed(&session.settled, &reason, so_far);
                    self.fail(records, reason);
                    return Part::Settled;
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
}
