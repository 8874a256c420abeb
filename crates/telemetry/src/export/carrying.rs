//! A batch on its way by a [`Carrier`]: as messages, each with a fate of its own.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::attempt::encode;
use super::carrier::{Carried, Carrier, Message, errand};
use super::courier::{Courier, Delivery, Left, SHUT_DOWN};
use super::report;
use super::session::Session;
use super::transport::answer::{Reason, Trouble, TroubleKind, excerpt};
use super::urgency::{Urgency, expired};
use crate::otlp::request::Batch;
use crate::otlp::signal::Signal;

/// Carries a batch until all of its messages are settled or time is up.
pub(super) async fn carry(
    mut courier: Courier<'_>,
    carrier: &Arc<dyn Carrier>,
    batch: Batch,
) -> Delivery {
    let session = courier.session;
    // What comes back untouched comes back as it was: the spool knows its records by their order.
    let (mut open, whole) = match session.settled.signal {
        Signal::Traces => (batch.by_trace(), Some(batch)),
        Signal::Metrics | Signal::Logs => (vec![batch], None),
    };
    loop {
        if session.is_shut_down.load(Ordering::Relaxed) {
            report::exporter_shut_down(&session.settled);
            let records = open.iter().map(Batch::len).sum();
            courier.fail(records, Reason::text(SHUT_DOWN));
            break;
        }
        let seen = *courier.urgency.borrow_and_update();
        let tried_at = Instant::now();
        let give_up_at = match seen.closing {
            Some(closing) => closing.min(tried_at + session.settled.timeout),
            None => courier.deadline,
        };
        let (fitting, messages) = courier.pack(mem::take(&mut open));
        if fitting.is_empty() {
            break;
        }
        let carried = run(carrier, messages, give_up_at, courier.urgency).await;
        let mut trouble = None;
        for (batch, carried) in fitting.into_iter().zip(carried) {
            match carried {
                Carried::Taken => {
                    session.has_answered.store(true, Ordering::Relaxed);
                    courier.accept(batch.len(), None);
                }
                Carried::Refused(reason) => courier.refuse(batch.len(), &reason),
                Carried::TooLarge(reason) => {
                    courier.divide(batch, Reason::text(excerpt(&reason)), &mut open);
                }
                Carried::Later {
                    is_unconnected,
                    reason,
                } => {
                    trouble = Some(trouble_of(is_unconnected, &reason));
                    open.push(batch);
                }
            }
        }
        let Some(trouble) = trouble else {
            continue;
        };
        let (setback, is_over) = courier.fall_back(trouble, seen, tried_at);
        if is_over {
            let left = open.iter().map(Batch::len).sum::<usize>();
            let batch = match whole {
                Some(whole) if whole.len() == left => whole,
                _ => merged(open),
            };
            courier.delivery.left = Some(Left {
                batches: vec![batch],
                setback,
            });
            return courier.delivery;
        }
        setback.wait.run(courier.urgency).await;
    }
    courier.delivery.spent.extend(whole);
    courier.delivery
}

/// Whether somebody takes messages now.
pub(super) async fn ask(
    session: &Session,
    carrier: &Arc<dyn Carrier>,
    deadline: Instant,
) -> Result<(), Trouble> {
    let (_no_hurry, mut urgency) = watch::channel(Urgency::default());
    match run(carrier, Vec::new(), deadline, &mut urgency).await.pop() {
        None | Some(Carried::Taken) => {
            session.has_answered.store(true, Ordering::Relaxed);
            Ok(())
        }
        Some(Carried::TooLarge(reason) | Carried::Refused(reason)) => {
            Err(trouble_of(false, &reason))
        }
        Some(Carried::Later {
            is_unconnected,
            reason,
        }) => Err(trouble_of(is_unconnected, &reason)),
    }
}

fn trouble_of(is_unconnected: bool, reason: &str) -> Trouble {
    Trouble {
        kind: match is_unconnected {
            true => TroubleKind::Unconnected,
            false => TroubleKind::Busy,
        },
        reason: Reason::text(excerpt(reason)),
        asked: None,
    }
}

/// What became of each message, at `deadline` at the latest, or when shutdown says so.
async fn run(
    carrier: &Arc<dyn Carrier>,
    messages: Vec<Message>,
    deadline: Instant,
    urgency: &mut watch::Receiver<Urgency>,
) -> Vec<Carried> {
    let (errand, waiting) = errand(messages, deadline.into_std());
    let carrier = Arc::clone(carrier);
    let carrying = spawn_blocking(move || carrier.carry(Arc::new(errand)));
    tokio::select! {
        biased;
        _ = carrying => {}
        () = expired(deadline, urgency) => {}
    }
    waiting.answers()
}

/// One batch with the records of all, in their order.
fn merged(batches: Vec<Batch>) -> Batch {
    let mut batches = batches.into_iter();
    let mut whole = batches.next().unwrap_or_default();
    for batch in batches {
        whole.append(&batch);
    }
    whole
}

fn hexadecimal(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Courier<'_> {
    /// The messages for these batches, and the batches that they are of: those that are too large are
    /// divided, and records that are too large for themselves are given up.
    fn pack(&mut self, batches: Vec<Batch>) -> (Vec<Batch>, Vec<Message>) {
        let mut parts = batches;
        parts.reverse();
        let (mut fitting, mut messages) = (Vec::new(), Vec::new());
        while let Some(batch) = parts.pop() {
            if batch.is_empty() {
                self.delivery.spent.push(batch);
                continue;
            }
            match encode(self.session, &batch) {
                Ok(body) => {
                    let key = match self.session.settled.signal {
                        Signal::Traces => batch.trace_id().map(hexadecimal),
                        Signal::Metrics | Signal::Logs => None,
                    };
                    messages.push(Message {
                        key,
                        body: body.into(),
                    });
                    fitting.push(batch);
                }
                Err(reason) => {
                    let mut halves = Vec::new();
                    self.divide(batch, reason, &mut halves);
                    parts.extend(halves.into_iter().rev());
                }
            }
        }
        (fitting, messages)
    }

    /// Two parts of a batch that is too large for a message; a single record is given up.
    fn divide(&mut self, batch: Batch, reason: Reason, parts: &mut Vec<Batch>) {
        if batch.len() > 1 {
            let (first, second) = batch.split();
            parts.extend([first, second]);
            self.delivery.reason = reason;
        } else {
            self.give_up(batch, reason);
        }
    }

    fn refuse(&mut self, records: usize, reason: &str) {
        let reason = Reason::text(excerpt(reason));
        if self.session.end_outage().is_some() {
            report::end_silently(&self.session.settled);
        }
        let so_far = self.lose(records);
        report::export_failed(&self.session.settled, &reason, so_far);
        self.fail(records, reason);
    }
}
