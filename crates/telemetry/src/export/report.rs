//! What exports come to, told to [`crate::diagnostics`]: which event, and how often it is one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::session::Session;
use super::settled::Settled;
use super::transport::answer::{Reason, excerpt};
use crate::diagnostics::event::{Backlog, BufferNews, Destination, Lost};
use crate::diagnostics::{Event, Key, Loss, forget, report, report_loss};
use crate::otlp::read::PartialSuccess;

fn to(settled: &Settled) -> Arc<Destination> {
    Arc::clone(&settled.destination)
}

/// The key of what all exporters of the process say once together.
fn nobody(settled: &Settled) -> Key {
    Key::once(("nobody", &settled.route.endpoint.authority))
}

/// The receiver was away, and has refused what it was sent: that ends an outage too, but is no news
/// of deliveries that work.
pub(super) fn end_silently(settled: &Settled) {
    let _ = forget(nobody(settled));
}

pub(super) fn nobody_listens(settled: &Settled) {
    report(nobody(settled), Event::NobodyListens { to: to(settled) });
}

pub(super) fn retrying(settled: &Settled, reason: Reason, wait: Duration) {
    let to = to(settled);
    report(Key::Always, Event::Retrying { to, reason, wait });
}

pub(super) fn export_failed(settled: &Settled, reason: &Reason) {
    let to = to(settled);
    let key = Key::now_and_then((&to.endpoint, to.signal, to.protocol, &reason.code));
    let reason = reason.clone();
    report(key, Event::ExportFailed { to, reason });
}

pub(super) fn exporter_shut_down(settled: &Settled) {
    let to = to(settled);
    let key = Key::now_and_then((&to.endpoint, to.signal, to.protocol, "shut down"));
    report(key, Event::ExporterShutDown { to });
}

pub(super) fn record_too_large(settled: &Settled, bytes: usize, reason: Reason) {
    let to = to(settled);
    let key = Key::now_and_then((&to.endpoint, to.signal, "too large"));
    report(key, Event::RecordTooLarge { to, bytes, reason });
}

pub(super) fn partial_success(settled: &Settled, partial: &PartialSuccess) {
    let to = to(settled);
    let message = excerpt(&partial.error_message);
    let key = Key::once((&to.endpoint, to.signal, &message));
    let rejected = partial.rejected;
    report(
        key,
        Event::PartialSuccess {
            to,
            rejected,
            message,
        },
    );
}

/// The receiver is back, for a queue.
pub(super) fn queue_recovered(settled: &Settled, outage: Duration, backlog: Backlog) {
    let event = Event::Recovered {
        to: to(settled),
        outage,
        was_said: forget(nobody(settled)),
        backlog: Some(backlog),
    };
    report(Key::Always, event);
}

/// The receiver is back, for an export that somebody waited for; told to whoever was told that
/// nothing listens there.
pub(super) fn export_recovered(settled: &Settled, outage: Duration) {
    if forget(nobody(settled)) {
        let event = Event::Recovered {
            to: to(settled),
            outage,
            was_said: true,
            backlog: None,
        };
        report(Key::Always, event);
    }
}

/// At shutdown: the exports that were given up in silence.
pub(super) fn lost_exports(session: &Session) {
    let count = session.lost_exports.swap(0, Ordering::Relaxed);
    if count > 0 {
        report_loss(Loss {
            to: to(&session.settled),
            lost: Lost::Exports(usize::try_from(count).unwrap_or(usize::MAX)),
            reason: "connection refused".to_owned(),
        });
    }
}

/// At shutdown: what the queue had no room for, as far as no other event has told.
pub(super) fn dropped(settled: &Settled, count: u64) {
    let to = to(settled);
    report(Key::Always, Event::Dropped { to, count });
}

/// At shutdown: what could not be delivered in the time there was.
pub(super) fn undelivered(settled: &Settled, count: usize, reason: &str) {
    let event = Event::Undelivered {
        to: to(settled),
        count,
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
    };
    report(Key::Always, event);
}

/// At shutdown: what could not be delivered to an endpoint that has never answered.
pub(super) fn never_delivered(settled: &Settled, count: usize, reason: &str) {
    report_loss(Loss {
        to: to(settled),
        lost: Lost::Records(count),
        reason: reason.to_owned(),
    });
}

/// Of the records that are kept on disk.
pub(super) fn buffer(settled: &Settled, news: BufferNews) {
    let to = to(settled);
    let key = match &news {
        // The processors of all signals find the same.
        BufferNews::Unusable(reason) => Key::now_and_then(("buffer", reason)),
        BufferNews::DroppedForRoom(_) => Key::now_and_then(("buffer is full", to.signal)),
        _ => Key::Always,
    };
    report(key, Event::Buffer { to, news });
}
