//! A batch on its way: attempts, waits between them, splitting, and what is said about it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::attempt::{attempt, encode};
use super::operation::Operation;
use super::retry;
use super::session::{Outage, Session};
use super::settled::Settled;
use super::transport::answer::{Answer, Reason, Trouble, TroubleKind, excerpt};
use super::urgency::{Urgency, Wait};
use crate::diagnostics::{Key, Level, forget, report, report_loss};
use crate::otlp::read::PartialSuccess;
use crate::otlp::request::Batch;
use crate::otlp::signal::{Protocol, Signal};

/// Whose batch it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Tries again later what is left.
    Queue,
    /// Gives it up.
    Caller,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    pub(crate) delivered: usize,
    pub(crate) rejected: usize,
    pub(crate) failed: usize,
    /// What may be accepted another time, in order.
    pub(crate) left: Vec<Batch>,
    /// Buffers of what is settled.
    pub(crate) spent: Vec<Batch>,
    /// The wait before another try of what is left.
    pub(crate) wait: Option<Wait>,
    pub(crate) reason: Reason,
    /// The endpoint has never answered, and the last try did not even connect.
    pub(crate) is_hopeless: bool,
    /// The last try was refused, since nothing listens at the endpoint.
    pub(crate) is_refused: bool,
    /// The last try began after shutdown did, so that what is left has had its last chance.
    pub(crate) was_closing: bool,
    pub(crate) last_try: Option<Instant>,
    /// How long the outage was that this delivery ended.
    pub(crate) outage: Option<Duration>,
}

impl Delivery {
    pub(crate) fn left_len(&self) -> usize {
        self.left.iter().map(Batch::len).sum()
    }
}

/// That nothing listens there, which all exporters of the process say once together.
fn nobody(settled: &Settled) -> Key {
    Key::once(("nobody", &settled.route.endpoint.authority))
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
    let delivery = send(session, batch, deadline, urgency, owner).await;
    if let Some(operation) = operation {
        operation.end(Operation {
            duration: None,
            delivered: delivery.delivered,
            rejected: delivery.rejected,
            failed: delivery.failed,
            is_failure: delivery.failed > 0 || !delivery.left.is_empty(),
            code: delivery.reason.code.clone(),
        });
    }
    delivery
}

async fn send(
    session: &Session,
    batch: Batch,
    deadline: Instant,
    urgency: &mut watch::Receiver<Urgency>,
    owner: Owner,
) -> Delivery {
    let mut delivery = Delivery::default();
    // Parts still to be sent, the next one last.
    let mut parts = vec![batch];
    while let Some(batch) = parts.pop() {
        if batch.is_empty() {
            delivery.spent.push(batch);
            continue;
        }
        match send_part(session, &batch, deadline, urgency, owner, &mut delivery).await {
            Sent::Settled => delivery.spent.push(batch),
            Sent::Split if batch.len() > 1 => {
                let (first, second) = batch.split();
                parts.push(second);
                parts.push(first);
            }
            Sent::Split => {
                report_too_large(&session.settled, batch.byte_len(), &delivery.reason);
                delivery.failed += 1;
                delivery.spent.push(batch);
            }
            Sent::Later => {
                parts.push(batch);
                parts.reverse();
                delivery.left = parts;
                break;
            }
        }
    }
    delivery
}

/// A request that a receiver may break off for its size: the smallest limit in common use is
/// 1 MiB (nginx).
const LARGE: usize = 1 << 20;

/// The shortest wait while closing, where waits shrink to fit what time is left.
const LEAST_WAIT: Duration = Duration::from_millis(50);

fn deadline_left(closing: Option<Instant>, now: Instant) -> Duration {
    closing.map_or(Duration::MAX, |closing| {
        closing.saturating_duration_since(now)
    })
}

enum Sent {
    Settled,
    Split,
    Later,
}

async fn send_part(
    session: &Session,
    batch: &Batch,
    deadline: Instant,
    urgency: &mut watch::Receiver<Urgency>,
    owner: Owner,
    delivery: &mut Delivery,
) -> Sent {
    let settled = &*session.settled;
    let body = match encode(session, batch) {
        Ok(body) => body,
        Err(reason) => {
            delivery.reason = reason;
            return Sent::Split;
        }
    };
    let mut has_reconnected = false;
    let sent = loop {
        if session.is_shut_down.load(Ordering::Relaxed) {
            report_shut_down(settled);
            delivery.reason = Reason::text("the exporter was shut down");
            delivery.failed += batch.len();
            break Sent::Settled;
        }
        let seen = *urgency.borrow_and_update();
        let start = Instant::now();
        delivery.last_try = Some(start);
        delivery.was_closing = seen.closing.is_some();
        let own = match seen.closing {
            Some(closing) => closing.min(start + settled.timeout),
            None => deadline,
        };
        let trouble = match attempt(session, &body, own, urgency).await {
            Answer::Accepted(partial) => {
                delivery.outage = note_success(session).or(delivery.outage);
                let rejected = partial.map_or(0, |partial| {
                    report_partial_success(settled, &partial);
                    usize::try_from(partial.rejected)
                        .unwrap_or(usize::MAX)
                        .min(batch.len())
                });
                delivery.delivered += batch.len() - rejected;
                delivery.rejected += rejected;
                break Sent::Settled;
            }
            Answer::TooLarge(reason) => {
                session.has_answered.store(true, Ordering::Relaxed);
                delivery.reason = reason;
                break Sent::Split;
            }
            Answer::Refused(reason) => {
                end_outage(session);
                report_refused(settled, &reason);
                delivery.reason = reason;
                delivery.failed += batch.len();
                break Sent::Settled;
            }
            Answer::Later(trouble) => trouble,
        };
        // A connection that was closed while it lay idle says nothing about the receiver.
        let is_broken = matches!(trouble.kind, TroubleKind::Broken | TroubleKind::Unreadable);
        if is_broken && !has_reconnected {
            has_reconnected = true;
            session.line.forget();
            continue;
        }
        // The receiver has the request, and will not answer otherwise next time.
        if trouble.kind == TroubleKind::Unreadable {
            end_outage(session);
            report_refused(settled, &trouble.reason);
            delivery.reason = trouble.reason;
            delivery.failed += batch.len();
            break Sent::Settled;
        }
        // Receivers that close in the middle of a large request mostly mean "too large", and
        // closing can overtake the answer that says so.
        if trouble.kind == TroubleKind::Broken && body.len() > LARGE && batch.len() > 1 {
            delivery.reason = trouble.reason;
            break Sent::Split;
        }
        let failures = session
            .failures
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1);
        let now = Instant::now();
        let asked = trouble.asked.and_then(retry::granted);
        let mut wait = asked.unwrap_or_else(|| retry::backoff(failures));
        if seen.closing.is_some() && asked.is_none() {
            wait = wait
                .min(deadline_left(seen.closing, now) / 2)
                .max(LEAST_WAIT);
        }
        delivery.is_hopeless =
            trouble.kind.is_unconnected() && !session.has_answered.load(Ordering::Relaxed);
        let until = now + wait;
        // An endpoint that was never there: the queue is told, where somebody may wait for it, and
        // nobody else waits either.
        let is_over = delivery.is_hopeless || until >= urgency.borrow().closing.unwrap_or(deadline);
        // Who gives up says so, and not that there will be another try.
        if !is_over || owner == Owner::Queue || trouble.kind == TroubleKind::Nobody {
            note_trouble(session, &trouble, wait);
        }
        delivery.is_refused = trouble.kind == TroubleKind::Nobody;
        delivery.reason = trouble.reason;
        let wait = Wait {
            until,
            is_asked: asked.is_some(),
            seen,
        };
        delivery.wait = Some(wait);
        if is_over {
            break Sent::Later;
        }
        wait.run(urgency).await;
    };
    session.give_back(body);
    sent
}

/// What one record is called in messages, in the plural.
pub(crate) fn records(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "spans",
        Signal::Metrics => "metrics",
        Signal::Logs => "logs",
    }
}

/// The official gRPC exporters' `_exporting`.
pub(crate) fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "traces",
        Signal::Metrics => "metrics",
        Signal::Logs => "logs",
    }
}

/// The kind of records as the official exporter of this protocol calls it.
fn exporting(settled: &Settled) -> &'static str {
    match (settled.route.protocol, settled.signal) {
        (Protocol::HttpProtobuf, Signal::Traces) => "spans",
        (_, signal) => name(signal),
    }
}

/// Something was answered that ends an outage, if there was one.
fn note_success(session: &Session) -> Option<Duration> {
    session.failures.store(0, Ordering::Relaxed);
    let mut outage = session
        .outage
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    outage.take().map(|outage| outage.since.elapsed())
}

/// A refusal ends an outage too, but is no news of deliveries that work.
fn end_outage(session: &Session) {
    if note_success(session).is_some() {
        forget(nobody(&session.settled));
    }
}

/// Says what is wrong, once for as long as it stays the same.
fn note_trouble(session: &Session, trouble: &Trouble, wait: Duration) {
    let settled = &*session.settled;
    let mut hasher = DefaultHasher::new();
    (trouble.kind, &trouble.reason.code).hash(&mut hasher);
    let kind = hasher.finish();
    {
        let mut outage = session
            .outage
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let outage = outage.get_or_insert_with(|| Outage {
            since: Instant::now(),
            said: !kind,
        });
        if outage.said == kind {
            return;
        }
        outage.said = kind;
    }
    let (endpoint, exporting) = (&settled.route.endpoint.shown, exporting(settled));
    let reason = &trouble.reason;
    if trouble.kind == TroubleKind::Nobody {
        return report_nobody(settled);
    }
    let text = match settled.route.protocol {
        Protocol::Grpc => format!(
            "Transient error {} encountered while exporting {exporting} to {endpoint}, \
             retrying in {:.2}s. Error details: {}",
            reason.code,
            wait.as_secs_f64(),
            reason.text
        ),
        Protocol::HttpProtobuf => format!(
            "Transient error {reason} encountered while exporting {exporting} batch to {endpoint}, \
             retrying in {:.2}s.",
            wait.as_secs_f64()
        ),
    };
    report(Level::Warning, settled.logger, Key::Always, text);
}

fn report_nobody(settled: &Settled) {
    let hint = if settled.route.endpoint.is_local_default() {
        "; `oxitel-viewer receive` starts something to look at it with"
    } else {
        ""
    };
    let text = format!(
        "nothing listens at {} (connection refused): telemetry is kept as far as there is room, \
         and sent when something does{hint}",
        settled.route.endpoint.base()
    );
    report(Level::Warning, settled.logger, nobody(settled), text);
}

fn report_refused(settled: &Settled, reason: &Reason) {
    let (endpoint, exporting) = (&settled.route.endpoint.shown, exporting(settled));
    let text = match settled.route.protocol {
        Protocol::Grpc => format!(
            "Failed to export {exporting} to {endpoint}, error code: {}, error details: {}",
            reason.code, reason.text
        ),
        Protocol::HttpProtobuf => {
            format!("Failed to export {exporting} batch to {endpoint}: {reason}")
        }
    };
    let key = Key::now_and_then((endpoint, exporting, &reason.code));
    report(Level::Error, settled.logger, key, text);
}

/// For an export that somebody waited for: the outage it ended, or what is left of it and will
/// not be tried again.
pub(crate) fn report_outcome(session: &Session, delivery: &Delivery) {
    let settled = &*session.settled;
    if let Some(outage) = delivery.outage
        && forget(nobody(settled))
    {
        let text = format!(
            "delivery to {} works again after {:.1} s",
            settled.route.endpoint.shown,
            outage.as_secs_f64()
        );
        report(Level::Warning, settled.logger, Key::Always, text);
    }
    if delivery.left.is_empty() {
        return;
    }
    if delivery.is_hopeless && delivery.is_refused {
        // It was said that nothing listens there; how much was lost is said at the end.
        session.lost_exports.fetch_add(1, Ordering::Relaxed);
    } else {
        report_refused(settled, &delivery.reason);
    }
}

/// At shutdown: the exports that were given up in silence.
pub(crate) fn report_lost_exports(session: &Session) {
    let count = session.lost_exports.swap(0, Ordering::Relaxed);
    if count > 0 {
        let settled = &*session.settled;
        report_loss(
            settled.logger,
            format!("{count} exports of {}", records(settled.signal)),
            format!("{}: connection refused", settled.route.endpoint.base()),
        );
    }
}

pub(crate) fn report_shut_down(settled: &Settled) {
    report(
        Level::Warning,
        settled.logger,
        Key::now_and_then((
            &settled.route.endpoint.shown,
            exporting(settled),
            "shut down",
        )),
        "Exporter already shutdown, ignoring batch",
    );
}

fn report_too_large(settled: &Settled, len: usize, reason: &Reason) {
    let (endpoint, records) = (&settled.route.endpoint.shown, records(settled.signal));
    report(
        Level::Error,
        settled.logger,
        Key::now_and_then((endpoint, records, "too large")),
        format!(
            "one of the {records} was dropped: its {len} bytes are too large for {endpoint}: {reason}"
        ),
    );
}

fn report_partial_success(settled: &Settled, partial: &PartialSuccess) {
    let (endpoint, records) = (&settled.route.endpoint.shown, records(settled.signal));
    let message = excerpt(&partial.error_message);
    let text = match partial.rejected {
        0 => format!("{endpoint} accepted {records} with a warning: {message}"),
        rejected => format!("{endpoint} rejected {rejected} {records}: {message}"),
    };
    let key = Key::once((endpoint, records, &message));
    report(Level::Warning, settled.logger, key, text);
}

/// The receiver is back; `waiting` records are still to be sent to it.
pub(crate) fn report_recovery(settled: &Settled, outage: Duration, waiting: usize, dropped: u64) {
    let (endpoint, records) = (&settled.route.endpoint.shown, records(settled.signal));
    // Whoever was told that nothing listens there is told of the first success.
    let level = if forget(nobody(settled)) || dropped > 0 {
        Level::Warning
    } else {
        Level::Info
    };
    report(
        level,
        settled.logger,
        Key::Always,
        format!(
            "delivery to {endpoint} works again after {:.1} s: {waiting} {records} are waiting, \
             {dropped} were dropped because the queue was full",
            outage.as_secs_f64()
        ),
    );
}

/// At shutdown: what the queue had no room for, as far as no other message has told.
pub(crate) fn report_dropped(settled: &Settled, dropped: u64) {
    let records = records(settled.signal);
    report(
        Level::Warning,
        settled.logger,
        Key::Always,
        format!("{dropped} {records} were dropped because the queue was full"),
    );
}

/// At shutdown: what could not be delivered in the time there was.
pub(crate) fn report_undelivered(settled: &Settled, count: usize, reason: &str, is_hopeless: bool) {
    if is_hopeless {
        return report_loss(
            settled.logger,
            format!("{count} {}", records(settled.signal)),
            format!("{}: {reason}", settled.route.endpoint.base()),
        );
    }
    let (endpoint, records) = (&settled.route.endpoint.shown, records(settled.signal));
    let reason = if reason.is_empty() {
        "the time for shutting down was over"
    } else {
        reason
    };
    report(
        Level::Warning,
        settled.logger,
        Key::Always,
        format!("{count} {records} were not delivered to {endpoint}: {reason}"),
    );
}
