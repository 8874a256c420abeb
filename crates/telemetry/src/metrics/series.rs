//! One series of a stream: the measurements with one set of attributes, added up in place.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::aggregate::{Bounds, ExplicitHistogram, LastValue, Rules, Sum, Times};
use super::exponential::{ExponentialConfig, ExponentialHistogram};
use super::reservoir::{Reservoir, ReservoirKind};
use crate::otlp::attribute_set::AttributeSet;
use crate::otlp::metric_data::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Number, NumberDataPoint,
};

/// How a stream adds up.
#[derive(Clone, Debug)]
pub enum Aggregation {
    /// Measurements are added up.
    Sum,
    /// The last measurement counts.
    LastValue,
    /// Measurements are counted in buckets with given bounds.
    ExplicitBucketHistogram {
        /// Where a bucket ends and the next one begins.
        bounds: Bounds,
        /// Whether the smallest and the largest measurement are kept.
        records_extremes: bool,
    },
    /// Measurements are counted in buckets that grow by a factor.
    ExponentialBucketHistogram(ExponentialConfig),
}

#[derive(Debug)]
enum Aggregate {
    Sum(Sum),
    LastValue(LastValue),
    Explicit(ExplicitHistogram),
    Exponential(ExponentialHistogram),
}

/// What there is to know of a measurement that may become an exemplar.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The measurement's attributes that the series does not have.
    pub filtered_attributes: &'a Arc<AttributeSet>,
    /// When it was measured, in nanoseconds since 1970.
    pub time_unix_nanos: u64,
    /// Trace id and span id.
    pub span: Option<(u128, u64)>,
}

/// What became of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// It counts.
    Added,
    /// Added, and a sum of integers grew beyond 64 bits.
    Grown,
    /// Not added: the stream no longer holds the series, or has no room for it.
    Gone,
}

/// How many series a stream may still tell at its next collection.
#[derive(Debug)]
pub(super) struct Room(AtomicUsize);

impl Room {
    pub(super) fn new(limit: usize) -> Self {
        Self(AtomicUsize::new(limit))
    }

    fn take(&self) -> bool {
        let order = Ordering::Relaxed;
        let less = |left: usize| left.checked_sub(1);
        self.0.fetch_update(order, order, less).is_ok()
    }

    fn give_back(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The measurements with one set of attributes.
#[derive(Debug)]
pub struct Series {
    /// What the series is of.
    pub attributes: Arc<AttributeSet>,
    /// Where there has to be room for the series before something may come in for it.
    room: Option<Arc<Room>>,
    state: Mutex<SeriesState>,
}

#[derive(Debug)]
struct SeriesState {
    aggregate: Aggregate,
    times: Times,
    reservoir: Reservoir,
    is_gone: bool,
    /// Whether something came in since the last collection, or is about to: the series has room.
    is_touched: bool,
}

/// A point of any kind.
pub(super) enum Point {
    Number(NumberDataPoint),
    Histogram(HistogramDataPoint),
    Exponential(ExponentialHistogramDataPoint),
}

impl Point {
    pub(super) fn set_exemplars(&mut self, exemplars: Vec<Exemplar>) {
        match self {
            Self::Number(point) => point.exemplars = exemplars,
            Self::Histogram(point) => point.exemplars = exemplars,
            Self::Exponential(point) => point.exemplars = exemplars,
        }
    }
}

impl Series {
    pub(super) fn new(
        attributes: Arc<AttributeSet>,
        aggregation: &Aggregation,
        start: u64,
        room: Option<Arc<Room>>,
    ) -> Self {
        Self {
            attributes,
            room,
            state: Mutex::new(SeriesState {
                aggregate: match aggregation {
                    Aggregation::Sum => Aggregate::Sum(Sum::default()),
                    Aggregation::LastValue => Aggregate::LastValue(LastValue::default()),
                    Aggregation::ExplicitBucketHistogram { .. } => {
                        Aggregate::Explicit(ExplicitHistogram::new())
                    }
                    Aggregation::ExponentialBucketHistogram(config) => {
                        Aggregate::Exponential(ExponentialHistogram::new(config))
                    }
                },
                times: Times {
                    start,
                    previous: start,
                },
                reservoir: Reservoir::default(),
                is_gone: false,
                is_touched: false,
            }),
        }
    }

    /// Takes the room that the series needs to be told at the next collection, if there is any.
    pub(super) fn take_room(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.touch(&mut state)
    }

    #[inline]
    fn touch(&self, state: &mut SeriesState) -> bool {
        if !state.is_touched {
            state.is_touched = self.room.as_ref().is_none_or(|room| room.take());
        }
        state.is_touched
    }

    /// Adds a measurement, and offers it to the reservoir.
    pub(super) fn measure(
        &self,
        aggregation: &Aggregation,
        reservoir: &ReservoirKind,
        value: Number,
        offer: Option<Offer<'_>>,
    ) -> Measured {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        if state.is_gone || !self.touch(state) {
            return Measured::Gone;
        }
        let has_grown = match (&mut state.aggregate, aggregation) {
            (Aggregate::Sum(sum), _) => sum.add(value),
            (Aggregate::LastValue(last), _) => {
                last.set(value);
                false
            }
            (
                Aggregate::Explicit(histogram),
                Aggregation::ExplicitBucketHistogram {
                    bounds,
                    records_extremes,
                },
            ) => histogram.add(value, bounds, *records_extremes),
            (
                Aggregate::Exponential(histogram),
                Aggregation::ExponentialBucketHistogram(config),
            ) => {
                let added = histogram.add(value, config);
                if added.is_zero {
                    return if added.has_grown {
                        Measured::Grown
                    } else {
                        Measured::Added
                    };
                }
                added.has_grown
            }
            // A series is made for its stream's aggregation.
            _ => false,
        };
        if let Some(offer) = offer {
            let make = || Exemplar {
                filtered_attributes: Arc::clone(offer.filtered_attributes),
                value,
                time_unix_nanos: offer.time_unix_nanos,
                span: offer.span,
            };
            state.reservoir.offer(reservoir, make, value.as_f64());
        }
        if has_grown {
            Measured::Grown
        } else {
            Measured::Added
        }
    }

    /// The point to tell now, if there is one, and whether something came in since the last
    /// collection.
    pub(super) fn collect(
        &self,
        aggregation: &Aggregation,
        rules: &Rules,
        now: u64,
    ) -> (Option<Point>, bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let is_touched = std::mem::take(&mut state.is_touched);
        if is_touched && let Some(room) = &self.room {
            room.give_back();
        }
        let mut point = self.point(state, aggregation, rules, now);
        if let Some(point) = &mut point {
            point.set_exemplars(state.reservoir.collect());
        }
        (point, is_touched)
    }

    /// The same point without exemplars, which stay for the next collection. Only for what is told
    /// again and again: a synchronous instrument's cumulative values.
    pub(super) fn look(&self, aggregation: &Aggregation, rules: &Rules, now: u64) -> Option<Point> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.point(&mut state, aggregation, rules, now)
    }

    fn point(
        &self,
        state: &mut SeriesState,
        aggregation: &Aggregation,
        rules: &Rules,
        now: u64,
    ) -> Option<Point> {
        let attributes = || Arc::clone(&self.attributes);
        let times = &mut state.times;
        let number = |start_unix_nanos, value| {
            Point::Number(NumberDataPoint {
                attributes: attributes(),
                start_unix_nanos,
                time_unix_nanos: now,
                value,
                exemplars: Vec::new(),
            })
        };
        let point = match (&mut state.aggregate, aggregation) {
            (Aggregate::Sum(sum), _) => {
                let (start, value) = sum.collect(rules, times, now)?;
                number(Some(start), value)
            }
            (Aggregate::LastValue(last), _) => number(None, last.collect(rules)?),
            (
                Aggregate::Explicit(histogram),
                Aggregation::ExplicitBucketHistogram { bounds, .. },
            ) => {
                let told = histogram.collect(rules, times, now)?;
                Point::Histogram(HistogramDataPoint {
                    attributes: attributes(),
                    start_unix_nanos: told.start,
                    time_unix_nanos: now,
                    count: told.counts.iter().sum(),
                    sum: told.totals.sum,
                    bucket_counts: told.counts,
                    explicit_bounds: Arc::clone(&bounds.numbers),
                    extremes: told.totals.extremes,
                    exemplars: Vec::new(),
                })
            }
            (
                Aggregate::Exponential(histogram),
                Aggregation::ExponentialBucketHistogram(config),
            ) => {
                let told = histogram.collect(config, rules, times, now)?;
                Point::Exponential(ExponentialHistogramDataPoint {
                    attributes: attributes(),
                    start_unix_nanos: told.start,
                    time_unix_nanos: now,
                    count: told.count,
                    sum: told.totals.sum,
                    scale: told.scale,
                    zero_count: told.zero_count,
                    positive: told.positive,
                    negative: told.negative,
                    flags: 0,
                    extremes: told.totals.extremes,
                    exemplars: Vec::new(),
                })
            }
            _ => return None,
        };
        Some(point)
    }

    /// Has later measurements look for a series of their own, unless something came in since the
    /// last collection. Tells whether that is so.
    pub(super) fn leave_if_idle(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_gone = !state.is_touched;
        state.is_gone
    }
}
