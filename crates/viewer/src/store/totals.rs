//! Counts since the viewer was started, whether what was counted is still kept or not.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::open::Taken;
use crate::otlp::Signal;

/// Counts the services beyond those that are told apart.
pub(crate) const OTHER_SERVICES: &str = "(other services)";

/// What arrived of one signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignalTotals {
    pub(crate) requests: u64,
    /// Spans, metric data points or log records.
    pub(crate) records: u64,
    /// Size of the requests, uncompressed.
    pub(crate) bytes: u64,
}

/// What arrived of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceTotals {
    pub(crate) spans: u64,
    pub(crate) errors: u64,
    pub(crate) log_records: u64,
    pub(crate) data_points: u64,
    /// In Unix nanoseconds.
    pub(crate) last_seen: u64,
}

/// Why records are no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DropReason {
    Room,
    Age,
    Cleared,
}

impl DropReason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Age => "age",
            Self::Cleared => "cleared",
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) started: u64,
    pub(crate) traces: SignalTotals,
    pub(crate) metrics: SignalTotals,
    pub(crate) logs: SignalTotals,
    pub(crate) services: BTreeMap<Arc<str>, ServiceTotals>,
    /// Spans that arrived a second time; part of `traces.records`.
    pub(crate) duplicate_spans: u64,
    /// Spans refused for ids of a wrong length; not part of `traces.records`.
    pub(crate) invalid_spans: u64,
    /// Data points that the table of metrics could not take.
    pub(crate) dropped_data_points: u64,
    /// Requests refused: too large, malformed, of a wrong type.
    pub(crate) refused_requests: u64,
    /// Records that were kept once and are no longer.
    pub(crate) dropped: BTreeMap<(Arc<str>, Signal, DropReason), u64>,
}

impl Totals {
    pub(super) fn signal(&mut self, signal: Signal) -> &mut SignalTotals {
        match signal {
            Signal::Traces => &mut self.traces,
            Signal::Logs => &mut self.logs,
            Signal::Metrics => &mut self.metrics,
        }
    }

    /// The name to count a service under. Names are the sender's, so there is a limit on how many
    /// of them are told apart.
    pub(super) fn label(&mut self, service: &Arc<str>, limit: usize) -> Arc<str> {
        if let Some((known, _)) = self.services.get_key_value(service) {
            return Arc::clone(known);
        }
        let label: Arc<str> = if self.services.len() < limit {
            Arc::clone(service)
        } else {
            OTHER_SERVICES.into()
        };
        self.services.entry(Arc::clone(&label)).or_default();
        label
    }

    pub(super) fn count(&mut self, signal: Signal, service: &Arc<str>, taken: &Taken, now: u64) {
        let of_service = self.services.entry(Arc::clone(service)).or_default();
        of_service.last_seen = now;
        let records = match signal {
            Signal::Traces => {
                of_service.spans += taken.records + taken.duplicates;
                of_service.errors += taken.errors;
                taken.records + taken.duplicates
            }
            Signal::Logs => {
                of_service.log_records += taken.records;
                taken.records
            }
            Signal::Metrics => {
                of_service.data_points += taken.points;
                taken.points
            }
        };
        self.signal(signal).records += records;
        self.duplicate_spans += taken.duplicates;
        self.invalid_spans += taken.invalid;
    }

    pub(crate) fn dropped_of(&self, signal: Signal) -> u64 {
        let of_signal = self.dropped.iter().filter(|(key, _)| key.1 == signal);
        of_signal.map(|(_, count)| count).sum()
    }
}
