//! A log record and its severity.

use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1::LogRecord;

use crate::ids::SpanId;
use crate::store::Head;

/// A log record with what it shares with the others of its request.
#[derive(Clone, Debug)]
pub(crate) struct StoredLog {
    pub(crate) record: LogRecord,
    pub(crate) service: Arc<str>,
    pub(crate) head: Arc<Head>,
}

impl StoredLog {
    pub(crate) fn new(record: LogRecord, head: &Arc<Head>) -> Self {
        Self {
            record,
            service: Arc::clone(&head.service),
            head: Arc::clone(head),
        }
    }

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

    /// Its name in queries and answers.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The first of its severity numbers.
    pub(crate) fn first(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Warn => 13,
            Self::Error => 17,
            Self::Fatal => 21,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(Severity::Warn < Severity::Error);
    }

    #[test]
    fn a_record_without_a_time_of_its_own_has_that_of_its_arrival() {
        let mut it = StoredLog::new(LogRecord::default(), &Arc::default());
        it.record.span_id = vec![0; 8];
        assert!(it.span_id().is_none());
        it.record.observed_time_unix_nano = 7;
        assert_eq!(it.time(), 7);
    }
}
