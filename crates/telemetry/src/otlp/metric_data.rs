//! What a collection gives: metrics and their points, as the OTLP data model has them
//! (opentelemetry-proto, metrics/v1).

use std::sync::Arc;

use super::attribute_set::AttributeSet;

/// A measured value, or what came of adding some up: whole as long as all of them were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// Any number.
    Double(f64),
}

impl Number {
    /// Nothing yet.
    pub const ZERO: Self = Self::Int(0);

    /// The nearest double.
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

    /// Whether it is smaller; false where either is not a number.
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
    /// Not said, which no stream does.
    #[default]
    Unspecified = 0,
    /// What came since the last collection.
    Delta = 1,
    /// What came since the start.
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
    /// What was measured, or what measurements came to.
    pub value: Number,
    /// When that was, in nanoseconds since 1970.
    pub time_unix_nanos: u64,
    /// Trace id and span id.
    pub span: Option<(u128, u64)>,
}

/// A point of a sum or a gauge.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberDataPoint {
    /// The attributes of its series.
    pub attributes: Arc<AttributeSet>,
    /// `None` for the points of a gauge.
    pub start_unix_nanos: Option<u64>,
    /// When that was, in nanoseconds since 1970.
    pub time_unix_nanos: u64,
    /// What was measured, or what measurements came to.
    pub value: Number,
    /// Some of the measurements.
    pub exemplars: Vec<Exemplar>,
}

/// The least and the greatest value of a histogram, where they are recorded.
pub type Extremes = Option<(Number, Number)>;

/// A point of a histogram with given bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramDataPoint {
    /// The attributes of its series.
    pub attributes: Arc<AttributeSet>,
    /// Since when it counts, in nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// When that was, in nanoseconds since 1970.
    pub time_unix_nanos: u64,
    /// How many measurements there were.
    pub count: u64,
    /// What they add up to.
    pub sum: Number,
    /// One more than there are bounds.
    pub bucket_counts: Vec<u64>,
    /// The upper bounds of all buckets but the last, which has none; a bound belongs to its bucket.
    pub explicit_bounds: Arc<[Number]>,
    /// The smallest and the largest measurement, where they are kept.
    pub extremes: Extremes,
    /// Some of the measurements.
    pub exemplars: Vec<Exemplar>,
}

/// Neighbouring buckets of an exponential histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// The index of the first.
    pub offset: i32,
    /// How many measurements each has.
    pub counts: Vec<u64>,
}

/// A point of an exponential histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct ExponentialHistogramDataPoint {
    /// The attributes of its series.
    pub attributes: Arc<AttributeSet>,
    /// Since when it counts, in nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// When that was, in nanoseconds since 1970.
    pub time_unix_nanos: u64,
    /// How many measurements there were.
    pub count: u64,
    /// What they add up to.
    pub sum: Number,
    /// The bounds are powers of 2^(2^-scale).
    pub scale: i32,
    /// How many measurements were zero.
    pub zero_count: u64,
    /// Those above zero.
    pub positive: Buckets,
    /// Those below zero, by their size.
    pub negative: Buckets,
    /// `DataPointFlags`.
    pub flags: u32,
    /// The smallest and the largest measurement, where they are kept.
    pub extremes: Extremes,
    /// Some of the measurements.
    pub exemplars: Vec<Exemplar>,
}

/// The points of a metric, all of a kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// The last measurements.
    Gauge(Vec<NumberDataPoint>),
    /// Measurements added up.
    Sum {
        /// One for each series.
        points: Vec<NumberDataPoint>,
        /// Since when they count.
        temporality: Temporality,
        /// Whether the sums never fall.
        is_monotonic: bool,
    },
    /// Measurements counted in buckets with given bounds.
    Histogram {
        /// One for each series.
        points: Vec<HistogramDataPoint>,
        /// Since when they count.
        temporality: Temporality,
    },
    /// Measurements counted in buckets that grow by a factor.
    ExponentialHistogram {
        /// One for each series.
        points: Vec<ExponentialHistogramDataPoint>,
        /// Since when they count.
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

    /// Whether there is no point.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a stream tells at one collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The instrument's name, or the one that a view gave it.
    pub name: Arc<str>,
    /// What it measures, for people.
    pub description: Arc<str>,
    /// Its unit (UCUM).
    pub unit: Arc<str>,
    /// Its points.
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
