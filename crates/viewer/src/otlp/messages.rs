//! How many messages a record holds at all depths: a message of nothing takes two bytes on the wire and
//! fifty or more when it is decoded.

use super::Signal;
use super::wire::{Field, Malformed, fields};

/// A message with fields that may be there any number of times. Names and numbers are those of
/// `opentelemetry/proto`.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Resource,
    Scope,
    Span,
    Event,
    Link,
    LogRecord,
    Metric,
    Numbers,
    NumberPoint,
    Histogram,
    HistogramPoint,
    ExponentialHistogram,
    ExponentialPoint,
    Summary,
    SummaryPoint,
    Exemplar,
    Attribute,
    Value,
    List,
    Map,
    /// One that holds no further ones.
    Plain,
}

/// Deeper than any message that is decoded.
const DEEPEST: usize = 128;

impl Kind {
    pub(crate) const fn of_records(signal: Signal) -> Self {
        match signal {
            Signal::Traces => Self::Span,
            Signal::Logs => Self::LogRecord,
            Signal::Metrics => Self::Metric,
        }
    }

    /// What a field of it holds, where that is a message.
    const fn inner(self, number: u32) -> Option<Self> {
        Some(match (self, number) {
            (Self::Resource, 1)
            | (Self::Scope | Self::Event, 3)
            | (Self::Link, 4)
            | (Self::LogRecord, 6)
            | (Self::Span | Self::HistogramPoint, 9)
            | (Self::Metric, 12)
            | (Self::NumberPoint | Self::SummaryPoint | Self::Exemplar, 7)
            | (Self::ExponentialPoint | Self::Map, 1) => Self::Attribute,
            (Self::LogRecord, 5) | (Self::Attribute, 2) | (Self::List, 1) => Self::Value,
            (Self::Value, 5) => Self::List,
            (Self::Value, 6) => Self::Map,
            (Self::Span, 11) => Self::Event,
            (Self::Span, 13) => Self::Link,
            (Self::Metric, 5 | 7) => Self::Numbers,
            (Self::Metric, 9) => Self::Histogram,
            (Self::Metric, 10) => Self::ExponentialHistogram,
            (Self::Metric, 11) => Self::Summary,
            (Self::Numbers, 1) => Self::NumberPoint,
            (Self::Histogram, 1) => Self::HistogramPoint,
            (Self::ExponentialHistogram, 1) => Self::ExponentialPoint,
            (Self::Summary, 1) => Self::SummaryPoint,
            (Self::NumberPoint, 5) | (Self::HistogramPoint, 8) | (Self::ExponentialPoint, 11) => {
                Self::Exemplar
            }
            (Self::SummaryPoint, 6) | (Self::Resource, 3) => Self::Plain,
            _ => return None,
        })
    }

    /// The messages in one of these, itself not counted.
    pub(crate) fn messages(self, bytes: &[u8]) -> Result<usize, Malformed> {
        self.count(bytes, 0)
    }

    fn count(self, bytes: &[u8], depth: usize) -> Result<usize, Malformed> {
        if depth > DEEPEST {
            return Ok(0);
        }
        let mut count = 0;
        for field in fields(bytes) {
            if let (number, Field::Bytes(bytes)) = field?
                && let Some(inner) = self.inner(number)
            {
                count += 1 + inner.count(bytes, depth + 1)?;
            }
        }
        Ok(count)
    }
}
