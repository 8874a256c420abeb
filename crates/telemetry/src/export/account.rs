//! What became of records: all that were made are delivered, still here, or lost for one of a few
//! causes. The messages about losses and the SDK's metrics about itself are read from here.

use crate::diagnostics::event::{Amount, Cause};

/// What became of the records of one queue, or of one exporter's exports, in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that there ever were. Counted where they come in, the others where they go.
    pub made: u64,
    /// Handed to the exporter, whatever came of it.
    pub submitted: u64,
    /// Records that wait, now.
    pub queued: usize,
    /// Records in the request that is under way, now.
    pub in_flight: usize,
    /// In the spool alone.
    pub kept: u64,
    /// Accepted by the receiver.
    pub delivered: u64,
    /// The oldest, dropped since there was no room.
    pub dropped_queue_full: u64,
    /// Those of them that had been handed to the exporter before.
    pub dropped_when_submitted: u64,
    /// Came after shutdown.
    pub dropped_after_shutdown: u64,
    /// Never queued: a processor before this one failed to see them, they could not be encoded, or there
    /// was no memory for them.
    pub withheld: u64,
    /// Not accepted, by the receiver's own account ("partial success").
    pub rejected: u64,
    /// Refused by the receiver, or too large for it.
    pub refused: u64,
    /// Not delivered in the time there was.
    pub unsent: u64,
    /// Were in the spool alone, and are not any more: too old, too many, deleted or damaged.
    pub gone_from_spool: u64,
}

impl Counts {
    /// Those that were lost, by cause. What was said of refused and unsent ones goes with them.
    pub(crate) fn losses(&self, refused: &str, unsent: &str) -> Vec<(Cause, u64)> {
        let all = [
            (Cause::QueueFull, self.dropped_queue_full),
            (Cause::Refused(refused.to_owned()), self.refused),
            (Cause::Rejected, self.rejected),
            (Cause::Unsent(unsent.to_owned()), self.unsent),
            (Cause::GoneFromBuffer, self.gone_from_spool),
            (Cause::Withheld, self.withheld),
            (Cause::AfterShutdown, self.dropped_after_shutdown),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// How many were lost, for any cause.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.dropped_queue_full
            + self.dropped_after_shutdown
            + self.withheld
            + self.rejected
            + self.refused
            + self.unsent
            + self.gone_from_spool
    }

    /// How many are neither delivered nor lost yet.
    #[must_use]
    pub fn here(&self) -> u64 {
        self.queued as u64 + self.in_flight as u64 + self.kept
    }

    /// Whether every one that was made is somewhere, and only once.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.made == self.delivered + self.here() + self.lost()
    }
}

/// Whose batch it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Tries again later what is left.
    Queue,
    /// Gives it up.
    Caller,
}

/// Numbers of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) delivered: usize,
    /// Not accepted, by the receiver's own account ("partial success").
    pub(crate) rejected: usize,
    /// Refused by the receiver, or too large for it.
    pub(crate) refused: usize,
}

/// What an exporter has to tell of the exports that somebody waited for: records, but of metrics the
/// exports, since the next one has their values again.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) counts: Counts,
    /// Why the last ones were refused or not sent.
    pub(crate) refused: String,
    pub(crate) unsent: String,
    /// Whether all that were not sent went to a place that has never answered.
    pub(crate) is_hopeless: bool,
    /// Of those that nobody waits for any more while the worker is at them; not among the counts.
    pub(crate) abandoned: u64,
}

impl Amount {
    /// So many records of a queue, or exports.
    pub(crate) fn of(are_exports: bool, count: u64) -> Self {
        if are_exports {
            Self::Exports(count)
        } else {
            Self::Records(count)
        }
    }
}
