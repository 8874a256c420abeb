//! What exports come to, told to [`crate::diagnostics`]: which event, and how often it is one.

use std::mem;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::attempt::timed_out;
use super::session::{Ended, Session};
use super::settled::Settled;
use super::transport::answer::{Reason, excerpt};
use crate::diagnostics::event::{Amount, Backlog, BufferNews, Cause, Destination};
use crate::diagnostics::{Event, Key, Loss, is_said, over, report, report_loss};
use crate::otlp::read::PartialSuccess;
use crate::otlp::signal::Signal;

fn to(settled: &Settled) -> Arc<Destination> {
    Arc::clone(&settled.destination)
}

/// The key of what all exporters of the process say once together.
fn nobody(settled: &Settled) -> Key {
    Key::until_over(("nobody", &settled.route.endpoint.authority))
}

/// The receiver was away, and has refused what it was sent: that ends an outage too, but is no news
/// of deliveries that work.
pub(super) fn end_silently(settled: &Settled) {
    let _ = over(nobody(settled));
}

/// Whether it is said, by this exporter or by another one.
pub(super) fn nobody_listens(settled: &Settled) -> bool {
    let key = nobody(settled);
    report(key, Event::NobodyListens { to: to(settled) }) || is_said(key)
}

/// Whether it is said: a receiver that comes and goes is not news each time.
pub(super) fn retrying(settled: &Settled, reason: Reason, wait: Duration) -> bool {
    let to = to(settled);
    let name = (&to.endpoint, to.signal, to.protocol, &reason.code);
    let key = Key::now_and_then(("retrying", name));
    report(key, Event::Retrying { to, reason, wait })
}

pub(super) fn export_failed(settled: &Settled, reason: &Reason, so_far: Amount) {
    let to = to(settled);
    let key = Key::now_and_then((&to.endpoint, to.signal, to.protocol, &reason.code));
    let reason = reason.clone();
    report(key, Event::ExportFailed { to, reason, so_far });
}

pub(super) fn exporter_shut_down(settled: &Settled) {
    let to = to(settled);
    let key = Key::now_and_then((&to.endpoint, to.signal, to.protocol, "shut down"));
    report(key, Event::ExporterShutDown { to });
}

pub(super) fn record_too_large(settled: &Settled, bytes: usize, reason: Reason, so_far: Amount) {
    let to = to(settled);
    let key = Key::now_and_then((&to.endpoint, to.signal, "too large"));
    report(
        key,
        Event::RecordTooLarge {
            to,
            bytes,
            reason,
            so_far,
        },
    );
}

pub(super) fn partial_success(settled: &Settled, partial: &PartialSuccess, so_far: u64) {
    let to = to(settled);
    let message = excerpt(&partial.error_message);
    let rejected = partial.rejected;
    let key = match rejected {
        0 => Key::once((&to.endpoint, to.signal, &message)),
        _ => Key::now_and_then((&to.endpoint, to.signal, to.protocol, "rejected")),
    };
    report(
        key,
        Event::PartialSuccess {
            to,
            rejected,
            so_far,
            message,
        },
    );
}

/// The receiver is back, for a queue.
pub(super) fn queue_recovered(settled: &Settled, outage: Ended, backlog: Backlog) {
    let was_said = over(nobody(settled));
    let event = Event::Recovered {
        to: to(settled),
        outage: outage.length,
        was_said,
        backlog: Some(backlog),
    };
    if was_said || outage.was_told {
        report(Key::Always, event);
    }
}

/// The receiver is back, for an export that somebody waited for; told to whoever was told that
/// nothing listens there.
pub(super) fn export_recovered(settled: &Settled, outage: Ended) {
    if over(nobody(settled)) {
        let event = Event::Recovered {
            to: to(settled),
            outage: outage.length,
            was_said: true,
            backlog: None,
        };
        report(Key::Always, event);
    }
}

/// At shutdown of an exporter: what became of the exports that somebody waited for, if anything was
/// lost.
pub(super) fn lost_calls(session: &Session) {
    let mut calls = {
        let mut calls = session.calls.lock().unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *calls)
    };
    if calls.abandoned > 0 {
        calls.counts.made += calls.abandoned;
        calls.counts.unsent += calls.abandoned;
        calls.unsent = timed_out(session.settled.route.protocol).to_string();
        calls.is_hopeless = false;
    }
    let losses = calls.counts.losses(&calls.refused, &calls.unsent);
    if !losses.is_empty() {
        let are_exports = session.settled.signal == Signal::Metrics;
        let made = Amount::of(are_exports, calls.counts.made);
        lost(&session.settled, made, losses, calls.is_hopeless);
    }
}

/// At shutdown: what was lost of all there was. Where an endpoint has never answered, and that is all
/// there is to say, it is said with that of others.
pub(super) fn lost(settled: &Settled, made: Amount, losses: Vec<(Cause, u64)>, is_hopeless: bool) {
    match (losses.as_slice(), made) {
        ([(Cause::Unsent(reason), count)], Amount::Records(_)) if is_hopeless => {
            never_delivered(settled, Amount::Records(*count), reason);
        }
        ([(Cause::Unsent(reason), count)], Amount::Exports(_)) if is_hopeless => {
            never_delivered(settled, Amount::Exports(*count), reason);
        }
        _ => undelivered(settled, made, losses),
    }
}

pub(super) fn undelivered(settled: &Settled, made: Amount, losses: Vec<(Cause, u64)>) {
    let to = to(settled);
    report(Key::Always, Event::Undelivered { to, made, losses });
}

fn never_delivered(settled: &Settled, lost: Amount, reason: &str) {
    report_loss(Loss {
        to: to(settled),
        lost,
        reason: reason.to_owned(),
    });
}

/// Of the records that are kept on disk.
pub(super) fn buffer(settled: &Settled, news: BufferNews) {
    let to = to(settled);
    let key = match &news {
        // The processors of all signals find the same.
        BufferNews::Unusable(reason) => Key::now_and_then(("buffer", reason)),
        BufferNews::NoJournal(reason) => Key::once(("journal", reason)),
        BufferNews::DroppedForRoom(_) => Key::now_and_then(("buffer is full", to.signal)),
        _ => Key::Always,
    };
    report(key, Event::Buffer { to, news });
}
