//! How much of a hurry there is: what cuts a wait or a try short.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How much of a hurry the owner of a delivery is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Urgency {
    /// Raised by one for everybody who starts to wait for the queue to be delivered.
    pub(crate) hurries: u64,
    /// Set at shutdown: when to give up.
    pub(crate) closing: Option<Instant>,
}

/// A wait before another try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(super) until: Instant,
    /// The receiver asked for it, so that only shutdown may cut it short.
    pub(super) is_asked: bool,
    /// How urgent it was when the try before began.
    pub(super) seen: Urgency,
}

impl Wait {
    /// Waits, unless somebody begins to be in a hurry.
    pub(crate) async fn run(self, urgency: &mut watch::Receiver<Urgency>) {
        let before = self.seen;
        loop {
            let now = *urgency.borrow_and_update();
            let mut until = self.until;
            if let Some(closing) = now.closing {
                let is_in_time = self.until < closing;
                if before.closing.is_none() && !(self.is_asked && is_in_time) {
                    return;
                }
                until = until.min(closing);
            } else if now.hurries != before.hurries && !self.is_asked {
                return;
            }
            tokio::select! {
                () = sleep_until(until) => return,
                changed = urgency.changed() => if changed.is_err() {
                    return sleep_until(until).await;
                },
            }
        }
    }
}

/// Returns when `own` has passed, or the time that shutdown leaves.
pub(super) async fn expired(own: Instant, urgency: &mut watch::Receiver<Urgency>) {
    loop {
        let closing = urgency.borrow_and_update().closing;
        let until = closing.map_or(own, |closing| own.min(closing));
        tokio::select! {
            () = sleep_until(until) => return,
            changed = urgency.changed() => if changed.is_err() {
                return sleep_until(until).await;
            },
        }
    }
}
