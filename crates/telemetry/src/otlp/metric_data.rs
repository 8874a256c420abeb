//! What a collection gives: metrics and their points, as the OTLP data model has them
//! (opentelemetry-proto, metrics/v1).

use std::sync::Arc;

use super::attribute_set::AttributeSet;

/// A measured value, or what came of adding some up: whole as long as all of them were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Int(i64),
    Double(f64),
}

impl Number {
    pub const ZERO: Self = Self::Int(0);

    #[must_use]
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Double(value) => value,
        }
    }

    /// The sum, and whether it had to leave the 64-bit integers for the doubles.
    #[must_use]
    pub fn plus(self, other: Self) -> (Self, bool) {
        if let (Self::Int(left), Self::Int(right)) = (self, other) {
            return match left.checked_add(right) {
                Some(sum) => (Self::Int(sum), false),
                None => (Self::Double(self.as_f64() + other.as_f64()), true),
            };
        }
        (Self::Double(self.as_f64() + other.as_f64()), false)
    }

    /// The difference, and whether it had to leave the 64-bit integers for the doubles.
    #[must_use]
    pub fn minus(self, other: Self) -> (Self, bool) {
        if let (Self::Int(left), Self::Int(right)) = (self, other) {
            return match left.checked_sub(right) {
                Some(difference) => (Self::Int(difference), false),
                None => (Self::Double(self.as_f64() - other.as_f64()), true),
            };
        }
        (Self::Double(self.as_f64() - other.as_f64()), false)
    }

    #[must_use]
    pub fn is_less_than(self, other: Self) -> bool {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => left < right,
            _ => self.as_f64() < other.as_f64(),
        }
    }
}

/// Whether a point tells of the time since the last collection or since the beginning; numbered
/// as in OTLP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Temporality {
    #[default]
    Unspecified = 0,
    Delta = 1,
    Cumulative = 2,
}

impl Temporality {
    /// Of its number in OTLP; unspecified for one that OTLP does not have.
    #[must_use]
    pub const fn of_number(number: u8) -> Self {
        match number {
            1 => Self::Delta,
            2 => Self::Cumulative,
            _ => Self::Unspecified,
        }
    }
}

/// A measurement kept as an example of those that a point adds up.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// The measurement's attributes that its point does not have.
    pub filtered_attributes: Arc<AttributeSet>,
    pub value: Number,
    pub time_unix_nanos: u64,
    /// Trace id and span id.
    pub span: Option<(u128, u64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NumberDataPoint {
    pub attributes: Arc<AttributeSet>,
    /// `None` for the points of a gauge.
    pub start_unix_nanos: Option<u64>,
    pub time_unix_nanos: u64,
    pub value: Number,
    pub exemplars: Vec<Exemplar>,
}

/// The least and the greatest value of a histogram, where they are recorded.
pub type Extremes = Option<(Number, Number)>;

#[derive(Clone, Debug, PartialEq)]
pub struct HistogramDataPoint {
    pub attributes: Arc<AttributeSet>,
    pub start_unix_nanos: u64,
    pub time_unix_nanos: u64,
    pub count: u64,
    pub sum: Number,
    /// One more than there are bounds.
    pub bucket_counts: Vec<u64>,
    pub explicit_bounds: Arc<[Number]>,
    pub extremes: Extremes,
    pub exemplars: Vec<Exemplar>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    pub offset: i32,
    pub counts: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExponentialHistogramDataPoint {
    pub attributes: Arc<AttributeSet>,
    pub start_unix_nanos: u64,
    pub time_unix_nanos: u64,
    pub count: u64,
    pub sum: Number,
    pub scale: i32,
    pub zero_count: u64,
    pub positive: Buckets,
    pub negative: Buckets,
    pub flags: u32,
    pub extremes: Extremes,
    pub exemplars: Vec<Exemplar>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    Gauge(Vec<NumberDataPoint>),
    Sum {
        points: Vec<NumberDataPoint>,
        temporality: Temporality,
        is_monotonic: bool,
    },
    Histogram {
        points: Vec<HistogramDataPoint>,
        temporality: Temporality,
    },
    ExponentialHistogram {
        points: Vec<ExponentialHistogramDataPoint>,
        temporality: Temporality,
    },
}

impl Data {
    /// How many points there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Gauge(points) | Self::Sum { points, .. } => points.len(),
            Self::Histogram { points, .. } => points.len(),
            Self::ExponentialHistogram { points, .. } => points.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub name: Arc<str>,
    pub description: Arc<str>,
    pub unit: Arc<str>,
    pub data: Data,
}

#[cfg(test)]
mod tests {
    use super::Number::{Double, Int};
    use super::*;

    #[test]
    fn integers_stay_integers_while_they_fit() {
        assert_eq!(Int(2).plus(Int(3)), (Int(5), false));
        assert_eq!(Int(2).plus(Double(0.5)), (Double(2.5), false));
        assert_eq!(Int(i64::MAX).plus(Int(1)), (Double(2f64.powi(63)), true));
        assert_eq!(
            Int(i64::MIN).minus(Int(1)),
            (Double(-(2f64.powi(63))), true)
        );
        assert_eq!(Int(2).minus(Int(3)), (Int(-1), false));
    }

    #[test]
    fn numbers_compare_by_value() {
        assert!(Int(1).is_less_than(Double(1.5)));
        assert!(!Int(i64::MAX).is_less_than(Int(i64::MAX - 1)));
        assert!(Number::ZERO.is_less_than(Int(1)));
    }
}
