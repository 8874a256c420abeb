//! How the measurements of one series are added up: sums, last values and histograms with
//! explicit buckets (specification: metrics SDK, "Aggregation").
//!
//! What came in since the last collection and what was collected before are kept apart and added
//! at collection, so that sums of doubles are those that the official package gives.

use std::sync::Arc;

use crate::otlp::metric_data::{Extremes, Number, Temporality};

/// The settings of the adding up that all series of a stream share.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What the reader wants.
    pub temporality: Temporality,
    /// Whether measurements are observed totals, not increments.
    pub is_asynchronous: bool,
    /// Whether the sum never falls.
    pub is_monotonic: bool,
}

impl Rules {
    pub(super) fn is_delta(&self) -> bool {
        self.temporality == Temporality::Delta
    }
}

/// The times of a series, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) start: u64,
    /// When its last point was collected, or its start.
    pub(super) previous: u64,
}

impl Times {
    /// The start of a point collected `now`.
    pub(super) fn step(&mut self, is_delta: bool, now: u64) -> u64 {
        let start = if is_delta { self.previous } else { self.start };
        self.previous = now;
        start
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    value: Option<Number>,
    previous: Option<Number>,
}

impl Sum {
    /// Tells whether an integer grew beyond 64 bits.
    pub(super) fn add(&mut self, value: Number) -> bool {
        let (sum, has_grown) = self.value.unwrap_or(Number::ZERO).plus(value);
        self.value = Some(sum);
        has_grown
    }

    /// The start and the value of a point, where there is something to tell.
    pub(super) fn collect(
        &mut self,
        rules: &Rules,
        times: &mut Times,
        now: u64,
    ) -> Option<(u64, Number)> {
        let value = self.value.take();
        if rules.is_asynchronous {
            return self.collect_observed(value?, rules, times, now);
        }
        if rules.is_delta() {
            let start = times.step(true, now);
            return Some((start, value?));
        }
        let (sum, _) = value
            .unwrap_or(Number::ZERO)
            .plus(self.previous.unwrap_or(Number::ZERO));
        self.previous = Some(sum);
        Some((times.step(false, now), sum))
    }

    // A total that fell though it never may was counted anew from zero, some time after the last
    // collection (specification: data model, "Resets and Gaps").
    fn collect_observed(
        &mut self,
        value: Number,
        rules: &Rules,
        times: &mut Times,
        now: u64,
    ) -> Option<(u64, Number)> {
        let previous = self.previous.replace(value);
        let is_reset =
            rules.is_monotonic && previous.is_some_and(|previous| value.is_less_than(previous));
        if is_reset {
            times.start = times.previous;
        }
        let start = times.step(rules.is_delta(), now);
        if !rules.is_delta() || is_reset {
            return Some((start, value));
        }
        Some((start, value.minus(previous.unwrap_or(Number::ZERO)).0))
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct LastValue {
    value: Option<Number>,
}

impl LastValue {
    pub(super) fn set(&mut self, value: Number) {
        self.value = Some(value);
    }

    pub(super) fn collect(&mut self, rules: &Rules) -> Option<Number> {
        // A synchronous gauge holds until it is set again.
        if !rules.is_asynchronous && rules.temporality == Temporality::Cumulative {
            self.value
        } else {
            self.value.take()
        }
    }
}

/// Count, sum and extremes, which both kinds of histogram have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Totals {
    pub(super) sum: Number,
    pub(super) extremes: Extremes,
}

impl Totals {
    pub(super) const NONE: Self = Self {
        sum: Number::ZERO,
        extremes: None,
    };

    /// Tells whether an integer grew beyond 64 bits.
    pub(super) fn add(&mut self, value: Number, records_extremes: bool) -> bool {
        let has_grown;
        (self.sum, has_grown) = self.sum.plus(value);
        if records_extremes {
            self.widen(Some((value, value)));
        }
        has_grown
    }

    /// Adds what was collected before.
    pub(super) fn add_previous(&mut self, previous: &Self) {
        self.sum = self.sum.plus(previous.sum).0;
        self.widen(previous.extremes);
    }

    fn widen(&mut self, other: Extremes) {
        self.extremes = match (self.extremes, other) {
            (Some((least, greatest)), Some((low, high))) => Some((
                if low.is_less_than(least) { low } else { least },
                if greatest.is_less_than(high) {
                    high
                } else {
                    greatest
                },
            )),
            (one, other) => one.or(other),
        };
    }
}

/// The inclusive upper bounds of all buckets but the last: finite and rising.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// As they were given.
    pub numbers: Arc<[Number]>,
    values: Arc<[f64]>,
}

impl Bounds {
    /// `None` if a bound is not finite or not above the one before it.
    #[must_use]
    pub fn new(numbers: Vec<Number>) -> Option<Self> {
        let values: Arc<[f64]> = numbers.iter().map(|number| number.as_f64()).collect();
        let is_usable = values.iter().all(|value| value.is_finite())
            && values.is_sorted_by(|left, right| left < right);
        is_usable.then(|| Self {
            numbers: numbers.into(),
            values,
        })
    }

    /// The number of the bucket that takes `value`.
    #[must_use]
    pub fn bucket_of(&self, value: Number) -> usize {
        let value = value.as_f64();
        self.values.partition_point(|bound| *bound < value)
    }

    /// How many buckets there are.
    #[must_use]
    pub fn bucket_count(&self) -> usize {
        self.values.len() + 1
    }
}

#[derive(Clone, Debug)]
pub(super) struct ExplicitHistogram {
    /// Empty as long as nothing came in.
    counts: Vec<u64>,
    totals: Totals,
    previous_counts: Vec<u64>,
    previous_totals: Totals,
}

/// What a histogram with explicit buckets tells.
pub(super) struct Explicit {
    pub(super) start: u64,
    pub(super) counts: Vec<u64>,
    pub(super) totals: Totals,
}

impl ExplicitHistogram {
    pub(super) const fn new() -> Self {
        Self {
            counts: Vec::new(),
            totals: Totals::NONE,
            previous_counts: Vec::new(),
            previous_totals: Totals::NONE,
        }
    }

    /// Tells whether an integer grew beyond 64 bits.
    pub(super) fn add(&mut self, value: Number, bounds: &Bounds, records_extremes: bool) -> bool {
        if self.counts.is_empty() {
            self.counts.resize(bounds.bucket_count(), 0);
        }
        if let Some(count) = self.counts.get_mut(bounds.bucket_of(value)) {
            *count += 1;
        }
        self.totals.add(value, records_extremes)
    }

    pub(super) fn collect(
        &mut self,
        rules: &Rules,
        times: &mut Times,
        now: u64,
    ) -> Option<Explicit> {
        let is_empty = self.counts.is_empty();
        if rules.is_asynchronous {
            // Observed totals make no histogram (as officially).
            *self = Self::new();
            return None;
        }
        let start = times.step(rules.is_delta(), now);
        let totals = std::mem::replace(&mut self.totals, Totals::NONE);
        if rules.is_delta() {
            // The next interval will most likely want as much room.
            let counts = self.counts.clone();
            self.counts.clear();
            return (!is_empty).then_some(Explicit {
                start,
                counts,
                totals,
            });
        }
        let mut totals = totals;
        totals.add_previous(&self.previous_totals);
        self.previous_totals = totals;
        if self.previous_counts.is_empty() {
            self.previous_counts = std::mem::take(&mut self.counts);
        } else {
            for (previous, count) in self.previous_counts.iter_mut().zip(&self.counts) {
                *previous += count;
            }
            self.counts.clear();
        }
        Some(Explicit {
            start,
            counts: self.previous_counts.clone(),
            totals,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Number::{Double, Int};
    use super::*;

    fn rules(temporality: Temporality, is_asynchronous: bool) -> Rules {
        Rules {
            temporality,
            is_asynchronous,
            is_monotonic: true,
        }
    }

    fn times() -> Times {
        Times {
            start: 1,
            previous: 1,
        }
    }

    #[test]
    fn increments_are_told_since_the_last_collection_or_since_the_start() {
        let (mut delta, mut cumulative) = (Sum::default(), Sum::default());
        let (mut delta_times, mut cumulative_times) = (times(), times());
        let mut collect = |now, amount: Option<i64>| {
            if let Some(amount) = amount {
                delta.add(Int(amount));
                cumulative.add(Int(amount));
            }
            (
                delta.collect(&rules(Temporality::Delta, false), &mut delta_times, now),
                cumulative.collect(
                    &rules(Temporality::Cumulative, false),
                    &mut cumulative_times,
                    now,
                ),
            )
        };
        assert_eq!(collect(2, Some(5)), (Some((1, Int(5))), Some((1, Int(5)))));
        assert_eq!(collect(3, None), (None, Some((1, Int(5)))));
        assert_eq!(collect(4, Some(2)), (Some((3, Int(2))), Some((1, Int(7)))));
    }

    #[test]
    fn a_total_that_fell_was_counted_anew() {
        let (mut delta, mut cumulative) = (Sum::default(), Sum::default());
        let (mut delta_times, mut cumulative_times) = (times(), times());
        let mut collect = |now, total: i64| {
            delta.add(Int(total));
            cumulative.add(Int(total));
            (
                delta.collect(&rules(Temporality::Delta, true), &mut delta_times, now),
                cumulative.collect(
                    &rules(Temporality::Cumulative, true),
                    &mut cumulative_times,
                    now,
                ),
            )
        };
        assert_eq!(collect(2, 5), (Some((1, Int(5))), Some((1, Int(5)))));
        assert_eq!(collect(3, 8), (Some((2, Int(3))), Some((1, Int(8)))));
        assert_eq!(collect(4, 2), (Some((3, Int(2))), Some((3, Int(2)))));
        assert_eq!(collect(5, 3), (Some((4, Int(1))), Some((3, Int(3)))));
    }

    #[test]
    fn bounds_are_inclusive_and_have_to_rise() {
        let bounds = Bounds::new(vec![Int(0), Double(2.5)]).unwrap();
        let buckets = [-1.0, 0.0, 0.1, 2.5, 2.6].map(|value| bounds.bucket_of(Double(value)));
        assert_eq!(buckets, [0, 0, 1, 1, 2]);
        for bad in [
            vec![Int(1), Int(1)],
            vec![Int(2), Int(1)],
            vec![Double(f64::NAN)],
            vec![Double(f64::INFINITY)],
        ] {
            assert!(Bounds::new(bad).is_none());
        }
        assert_eq!(Bounds::new(Vec::new()).unwrap().bucket_of(Int(3)), 0);
    }

    #[test]
    fn a_histogram_keeps_extremes_and_counts_over_collections() {
        let bounds = Bounds::new(vec![Int(1)]).unwrap();
        let mut histogram = ExplicitHistogram::new();
        let rules = rules(Temporality::Cumulative, false);
        let mut times = times();
        histogram.add(Int(5), &bounds, true);
        histogram.add(Double(0.5), &bounds, true);
        let first = histogram.collect(&rules, &mut times, 2).unwrap();
        assert_eq!((first.start, first.counts), (1, vec![1, 1]));
        assert_eq!(first.totals.extremes, Some((Double(0.5), Int(5))));
        histogram.add(Int(9), &bounds, true);
        let second = histogram.collect(&rules, &mut times, 3).unwrap();
        assert_eq!((second.start, second.counts), (1, vec![1, 2]));
        assert_eq!(second.totals.extremes, Some((Double(0.5), Int(9))));
        assert_eq!(second.totals.sum, Double(14.5));
    }
}
