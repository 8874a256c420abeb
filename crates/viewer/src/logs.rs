//! Log records as long as there is room for them, in the order in which they arrived, and found
//! by the trace they were written in. Bounded in records and in bytes; the oldest go first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use crate::store::{SpanId, TraceId};

/// A log record with what it shares with the others of its request.
#[derive(Clone, Debug)]
pub(crate) struct StoredLog {
    pub(crate) record: LogRecord,
    pub(crate) service: Arc<str>,
    pub(crate) resource: Arc<Resource>,
    pub(crate) scope: Arc<str>,
}

impl StoredLog {
    /// When it happened, else when it was seen, in Unix nanoseconds; 0 if neither is recorded.
    pub(crate) fn time(&self) -> u64 {
        match self.record.time_unix_nano {
            0 => self.record.observed_time_unix_nano,
            time => time,
        }
    }

    pub(crate) fn severity(&self) -> Severity {
        Severity::of(self.record.severity_number)
    }

    /// What the sender calls the severity, else the range's own name.
    pub(crate) fn severity_text(&self) -> &str {
        match self.record.severity_text.as_str() {
            "" => self.severity().name(),
            text => text,
        }
    }

    pub(crate) fn trace_id(&self) -> Option<TraceId> {
        let id = TraceId::try_from(self.record.trace_id.as_slice()).ok()?;
        (id != TraceId::default()).then_some(id)
    }

    pub(crate) fn span_id(&self) -> Option<SpanId> {
        let id = SpanId::try_from(self.record.span_id.as_slice()).ok()?;
        (id != SpanId::default()).then_some(id)
    }
}

/// The ranges of severity numbers (logs data model, "Field: SeverityNumber"), in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Unspecified,
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Severity {
    pub(crate) fn of(number: i32) -> Self {
        match number {
            1..=4 => Self::Trace,
            5..=8 => Self::Debug,
            9..=12 => Self::Info,
            13..=16 => Self::Warn,
            17..=20 => Self::Error,
            21.. => Self::Fatal,
            _ => Self::Unspecified,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "LOG",
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// The range of this name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [
            Self::Trace,
            Self::Debug,
            Self::Info,
            Self::Warn,
            Self::Error,
            Self::Fatal,
        ]
        .into_iter()
        .find(|it| it.name().eq_ignore_ascii_case(name))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Logs {
    records: VecDeque<StoredLog>,
    /// Number of the first record that is kept; the others follow without a gap.
    first: u64,
    /// Numbers of the records of each trace, in the order of arrival.
    by_trace: HashMap<TraceId, VecDeque<u64>>,
    bytes: usize,
}

impl Logs {
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn add(&mut self, log: StoredLog) {
        self.bytes += log.record.encoded_len();
        if let Some(trace) = log.trace_id() {
            let number = self.first + self.records.len() as u64;
            self.by_trace.entry(trace).or_default().push_back(number);
        }
        self.records.push_back(log);
    }

    /// Lets the oldest go until there is no more than this; gives the number that went.
    pub(crate) fn make_room(&mut self, records: usize, bytes: usize) -> u64 {
        let first = self.first;
        while self.records.len() > records || self.bytes > bytes {
            let Some(oldest) = self.records.pop_front() else {
                break;
            };
            self.first += 1;
            self.bytes = self.bytes.saturating_sub(oldest.record.encoded_len());
            if let Some(trace) = oldest.trace_id()
                && let Some(numbers) = self.by_trace.get_mut(&trace)
            {
                numbers.pop_front();
                if numbers.is_empty() {
                    self.by_trace.remove(&trace);
                }
            }
        }
        self.first - first
    }

    /// The records of a trace by their time; those of one moment in the order of arrival.
    pub(crate) fn of_trace(&self, id: &TraceId) -> Vec<&StoredLog> {
        let numbers = self.by_trace.get(id).into_iter().flatten();
        let mut found: Vec<_> = numbers
            .filter_map(|number| {
                let position = usize::try_from(number.checked_sub(self.first)?).ok()?;
                self.records.get(position)
            })
            .collect();
        found.sort_by_key(|log| log.time());
        found
    }

    /// The records kept, the one that arrived last first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &StoredLog> {
        self.records.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(trace: u8, time: u64) -> StoredLog {
        StoredLog {
            record: LogRecord {
                time_unix_nano: time,
                trace_id: match trace {
                    0 => Vec::new(),
                    trace => vec![trace; 16],
                },
                ..LogRecord::default()
            },
            service: "a".into(),
            resource: Arc::default(),
            scope: "".into(),
        }
    }

    fn times(logs: &Logs, trace: u8) -> Vec<u64> {
        let found = logs.of_trace(&[trace; 16]);
        found.iter().map(|log| log.time()).collect()
    }

    #[test]
    fn the_records_of_a_trace_are_found_by_time_until_they_have_to_go() {
        let mut logs = Logs::default();
        for (trace, time) in [(1, 30), (2, 20), (0, 25), (1, 10), (2, 40)] {
            logs.add(log(trace, time));
        }
        assert_eq!(times(&logs, 1), [10, 30]);
        assert_eq!(times(&logs, 2), [20, 40]);
        assert_eq!(logs.make_room(3, usize::MAX), 2);
        assert_eq!(times(&logs, 1), [10]);
        assert_eq!(times(&logs, 2), [40]);
        assert_eq!(logs.make_room(1, usize::MAX), 2);
        assert_eq!((logs.len(), times(&logs, 1)), (1, vec![]));
        assert_eq!(logs.by_trace.len(), 1);
        logs.add(log(1, 50));
        assert_eq!(times(&logs, 1), [50]);
        assert_eq!(logs.make_room(5, 0), 2);
        assert_eq!((logs.len(), logs.by_trace.len(), logs.bytes), (0, 0, 0));
    }

    #[test]
    fn a_severity_is_the_range_its_number_lies_in() {
        for (number, name) in [
            (0, "LOG"),
            (-1, "LOG"),
            (1, "TRACE"),
            (8, "DEBUG"),
            (9, "INFO"),
            (13, "WARN"),
            (20, "ERROR"),
            (21, "FATAL"),
            (i32::MAX, "FATAL"),
        ] {
            assert_eq!(Severity::of(number).name(), name, "{number}");
        }
        assert_eq!(Severity::named("warn"), Some(Severity::Warn));
        assert_eq!(Severity::named("log"), None);
        assert!(Severity::Warn < Severity::Error);
    }

    #[test]
    fn ids_of_a_wrong_length_or_of_zeros_are_none() {
        let mut it = log(1, 0);
        it.record.span_id = vec![0; 8];
        assert!(it.trace_id().is_some() && it.span_id().is_none());
        it.record.trace_id = vec![1; 15];
        it.record.span_id = vec![1; 8];
        assert!(it.trace_id().is_none() && it.span_id().is_some());
        it.record.observed_time_unix_nano = 7;
        assert_eq!(it.time(), 7);
    }
}
