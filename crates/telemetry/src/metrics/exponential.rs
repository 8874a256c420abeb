//! Histograms whose bucket bounds are powers of a base that adapts to what comes in
//! (specification: metrics data model, "ExponentialHistogram").
//!
//! Scales, offsets and the room that buckets take (with its zeros at the end) are those that the
//! official package arrives at, whose backing arrays double and are exported whole.

use super::aggregate::{Rules, Times, Totals};
use crate::otlp::metric_data::{self, Number};

const MIN_NORMAL_EXPONENT: i64 = -1022;
const MANTISSA_BITS: u32 = 52;
const MANTISSA_MASK: u64 = (1 << MANTISSA_BITS) - 1;

/// What a stream asks of its exponential histograms.
#[derive(Clone, Copy, Debug)]
pub struct ExponentialConfig {
    /// Most buckets for positive and for negative values each: 2 to 16,384.
    pub max_size: usize,
    /// The scale to begin with: -10 to 20.
    pub max_scale: i32,
    /// Whether the smallest and the largest measurement are kept.
    pub records_extremes: bool,
}

/// The number of the bucket that takes `value`, which is positive and finite.
#[must_use]
pub fn bucket_of(value: f64, scale: i32) -> i64 {
    let bits = value.to_bits();
    let mantissa = bits & MANTISSA_MASK;
    let exponent = i64::from((bits >> MANTISSA_BITS & 0x7ff) as u32) - 1023;
    if scale <= 0 {
        let shift = scale.unsigned_abs();
        if value < f64::MIN_POSITIVE {
            let index = MIN_NORMAL_EXPONENT >> shift;
            return if shift < 2 { index - 1 } else { index };
        }
        // Bounds are inclusive: an exact power belongs to the bucket below.
        let correction = i64::from(mantissa == 0);
        return (exponent - correction) >> shift;
    }
    if value <= f64::MIN_POSITIVE {
        return (MIN_NORMAL_EXPONENT << scale) - 1;
    }
    if mantissa == 0 {
        return (exponent << scale) - 1;
    }
    // A power of two up to 2^20 is exact.
    let factor = 1.0 / std::f64::consts::LN_2 * (1i64 << scale) as f64;
    // At most 2^31 in size.
    let index = (value.ln() * factor).floor() as i64;
    index.min((1024 << scale) - 1)
}

/// Neighbouring buckets, from number `start` to number `end`, in room for at least as many.
#[derive(Clone, Debug)]
struct Buckets {
    counts: Vec<u64>,
    start: i64,
    end: i64,
}

impl Buckets {
    fn new() -> Self {
        Self {
            counts: vec![0],
            start: 0,
            end: 0,
        }
    }

    /// The same room with nothing in it.
    fn emptied(&self) -> Self {
        Self {
            counts: vec![0; self.counts.len()],
            ..*self
        }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end && self.counts.first().is_none_or(|&count| count == 0)
    }

    fn is_as_new(&self) -> bool {
        self.counts == [0]
    }

    /// How much coarser the scale has to become before bucket `index` has room too.
    fn change_for(&self, index: i64, max_size: usize) -> u32 {
        if self.is_empty() {
            return 0;
        }
        scale_change(self.start.min(index), self.end.max(index), max_size)
    }

    /// Adds `count` to bucket `index`, for which [`Buckets::change_for`] says nothing has to
    /// change.
    fn add(&mut self, index: i64, count: u64, max_size: usize) {
        let (start, end) = (self.start.min(index), self.end.max(index));
        let needed = usize::try_from(end - start)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        if needed > self.counts.len() {
            let room = needed.checked_next_power_of_two().unwrap_or(needed);
            self.counts.resize(room.min(max_size).max(needed), 0);
        }
        // What is moved to the front are the zeros of the end.
        let shift = usize::try_from(self.start - start).unwrap_or(0);
        let room = self.counts.len();
        self.counts.rotate_right(shift.min(room));
        (self.start, self.end) = (start, end);
        let place = usize::try_from(index - start).ok();
        if let Some(place) = place.and_then(|place| self.counts.get_mut(place)) {
            *place += count;
        }
    }

    /// Begins anew at bucket `index`.
    fn move_to(&mut self, index: i64) {
        (self.start, self.end) = (index, index);
    }

    /// Merges every `2^change` buckets; the room stays.
    fn downscale(&mut self, change: u32) {
        if change == 0 {
            return;
        }
        let size = usize::try_from(self.end - self.start).map_or(1, |span| span + 1);
        for place in 0..size.min(self.counts.len()) {
            let index = self.start + i64::try_from(place).unwrap_or(0);
            let target = (index >> change) - (self.start >> change);
            let Ok(target) = usize::try_from(target) else {
                continue;
            };
            if target == place {
                continue;
            }
            let count = self.counts.get_mut(place).map_or(0, std::mem::take);
            if let Some(into) = self.counts.get_mut(target) {
                *into += count;
            }
        }
        self.start >>= change;
        self.end >>= change;
    }

    /// The first and the last bucket as they are at a scale coarser by `change`.
    fn span(&self, change: u32) -> Option<(i64, i64)> {
        (!self.is_as_new()).then_some((self.start >> change, self.end >> change))
    }

    /// Adds buckets of a scale finer by `change`.
    fn merge(&mut self, other: &Self, change: u32, max_size: usize) {
        let Some((low, high)) = other.span(change) else {
            return;
        };
        // A side that has taken nothing yet begins at bucket zero (as officially), unless that is
        // too far from what it is given.
        let (low, high) = (low.min(self.start), high.max(self.start));
        if self.is_as_new() && scale_change(low, high, max_size) > 0 {
            self.move_to(other.start >> change);
        }
        for (place, &count) in other.counts.iter().enumerate() {
            if count > 0 {
                let index = (other.start + i64::try_from(place).unwrap_or(0)) >> change;
                self.add(index, count, max_size);
            }
        }
    }

    fn data(&self) -> metric_data::Buckets {
        metric_data::Buckets {
            offset: i32::try_from(self.start).unwrap_or(0),
            counts: self.counts.clone(),
        }
    }
}

fn scale_change(mut low: i64, mut high: i64, max_size: usize) -> u32 {
    let max_size = i64::try_from(max_size).unwrap_or(i64::MAX);
    let mut change = 0;
    while high - low >= max_size {
        low >>= 1;
        high >>= 1;
        change += 1;
    }
    change
}

fn joined(one: Option<(i64, i64)>, other: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}

/// What has come in over some time.
#[derive(Clone, Debug)]
struct Part {
    positive: Buckets,
    negative: Buckets,
    totals: Totals,
    count: u64,
    zero_count: u64,
    scale: i32,
}

impl Part {
    fn new(scale: i32) -> Self {
        Self {
            positive: Buckets::new(),
            negative: Buckets::new(),
            totals: Totals::NONE,
            count: 0,
            zero_count: 0,
            scale,
        }
    }

    fn emptied(&self) -> Self {
        Self {
            positive: self.positive.emptied(),
            negative: self.negative.emptied(),
            ..Self::new(self.scale)
        }
    }

    fn downscale(&mut self, change: u32) {
        self.positive.downscale(change);
        self.negative.downscale(change);
    }

    /// Adds what came after it, at a scale at which all of it has room.
    fn merge(&mut self, later: &Self, max_size: usize) {
        let common = self.scale.min(later.scale);
        let coarser = |scale: i32, by: i32| (scale - by).unsigned_abs();
        let spans = |one: &Buckets, other: &Buckets| {
            let span = joined(
                one.span(coarser(self.scale, common)),
                other.span(coarser(later.scale, common)),
            );
            span.map_or(0, |(low, high)| scale_change(low, high, max_size))
        };
        let change =
            spans(&self.positive, &later.positive).max(spans(&self.negative, &later.negative));
        let scale = common - i32::try_from(change).unwrap_or(0);
        self.downscale(coarser(self.scale, scale));
        let change = coarser(later.scale, scale);
        self.positive.merge(&later.positive, change, max_size);
        self.negative.merge(&later.negative, change, max_size);
        self.scale = scale;
        self.count += later.count;
        self.zero_count += later.zero_count;
        let mut totals = later.totals;
        totals.add_previous(&self.totals);
        self.totals = totals;
    }
}

#[derive(Clone, Debug)]
pub(super) struct ExponentialHistogram {
    /// Never raised again.
    scale: i32,
    current: Option<Box<Part>>,
    previous: Option<Box<Part>>,
}

/// What an exponential histogram tells.
pub(super) struct Exponential {
    pub(super) start: u64,
    pub(super) count: u64,
    pub(super) zero_count: u64,
    pub(super) scale: i32,
    pub(super) totals: Totals,
    pub(super) positive: metric_data::Buckets,
    pub(super) negative: metric_data::Buckets,
}

/// What became of a measurement.
pub(super) struct Added {
    /// Whether an integer grew beyond 64 bits.
    pub(super) has_grown: bool,
    /// Whether the value was zero, which is never an exemplar (as officially).
    pub(super) is_zero: bool,
}

impl ExponentialHistogram {
    pub(super) fn new(config: &ExponentialConfig) -> Self {
        Self {
            scale: config.max_scale,
            current: None,
            previous: None,
        }
    }

    pub(super) fn add(&mut self, number: Number, config: &ExponentialConfig) -> Added {
        // A scale that no value has asked for is zero (as officially).
        let part = self.current.get_or_insert_with(|| Box::new(Part::new(0)));
        let has_grown = part.totals.add(number, config.records_extremes);
        part.count += 1;
        let value = number.as_f64();
        if value == 0.0 {
            part.zero_count += 1;
            return Added {
                has_grown,
                is_zero: true,
            };
        }
        let is_positive = value > 0.0;
        let value = value.abs();
        let mut index = bucket_of(value, self.scale);
        loop {
            let buckets = if is_positive {
                &part.positive
            } else {
                &part.negative
            };
            let change = buckets.change_for(index, config.max_size);
            if change == 0 {
                break;
            }
            part.downscale(change);
            self.scale -= i32::try_from(change).unwrap_or(0);
            index = bucket_of(value, self.scale);
        }
        part.scale = self.scale;
        let buckets = if is_positive {
            &mut part.positive
        } else {
            &mut part.negative
        };
        if buckets.is_empty() {
            buckets.move_to(index);
        }
        buckets.add(index, 1, config.max_size);
        Added {
            has_grown,
            is_zero: false,
        }
    }

    pub(super) fn collect(
        &mut self,
        config: &ExponentialConfig,
        rules: &Rules,
        times: &mut Times,
        now: u64,
    ) -> Option<Exponential> {
        let current = self.current.take();
        if rules.is_asynchronous {
            // Observed totals make no histogram (as officially).
            return None;
        }
        let start = times.step(rules.is_delta(), now);
        let part = if rules.is_delta() {
            *current?
        } else {
            let previous = match (&mut self.previous, &current) {
                (Some(previous), _) => previous,
                (none, Some(current)) => none.insert(Box::new(current.emptied())),
                (None, None) => return None,
            };
            if let Some(current) = &current {
                previous.merge(current, config.max_size);
            }
            (**previous).clone()
        };
        Some(Exponential {
            start,
            count: part.count,
            zero_count: part.zero_count,
            scale: part.scale,
            totals: part.totals,
            positive: part.positive.data(),
            negative: part.negative.data(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::otlp::metric_data::Temporality;

    const CONFIG: ExponentialConfig = ExponentialConfig {
        max_size: 160,
        max_scale: 20,
        records_extremes: true,
    };

    fn collect(histogram: &mut ExponentialHistogram, temporality: Temporality) -> Exponential {
        let rules = Rules {
            temporality,
            is_asynchronous: false,
            is_monotonic: true,
        };
        let mut times = Times {
            start: 1,
            previous: 1,
        };
        histogram.collect(&CONFIG, &rules, &mut times, 2).unwrap()
    }

    #[test]
    fn powers_of_the_base_belong_to_the_bucket_below() {
        assert_eq!(
            [1.0, 1.5, 2.0, 4.0].map(|value| bucket_of(value, 0)),
            [-1, 0, 0, 1]
        );
        assert_eq!(
            [1.0, 4.0, 4.1].map(|value| bucket_of(value, -1)),
            [-1, 0, 1]
        );
        assert_eq!(
            [1.0, 2.0].map(|value| bucket_of(value, 20)),
            [-1, (1 << 20) - 1]
        );
        assert_eq!(bucket_of(f64::MAX, 20), (1024 << 20) - 1);
        assert_eq!(bucket_of(5e-324, 0), -1023);
    }

    #[test]
    fn a_part_of_zeros_alone_has_scale_zero() {
        let mut histogram = ExponentialHistogram::new(&CONFIG);
        assert!(histogram.add(Number::Int(0), &CONFIG).is_zero);
        let told = collect(&mut histogram, Temporality::Delta);
        assert_eq!((told.scale, told.count, told.zero_count), (0, 1, 1));
        assert_eq!(told.positive.counts, [0]);
    }

    /// Adds the values part by part, and finds each in a bucket of what the last collection tells.
    fn check_that_all_are_counted(parts: &[Vec<f64>]) -> Result<(), TestCaseError> {
        let mut histogram = ExponentialHistogram::new(&CONFIG);
        let mut told = None;
        for part in parts {
            for value in part {
                histogram.add(Number::Double(*value), &CONFIG);
            }
            told = Some(collect(&mut histogram, Temporality::Cumulative));
        }
        let told = told.unwrap();
        let values: Vec<f64> = parts.concat();
        prop_assert_eq!(told.count, values.len() as u64);
        let base = 2f64.powf(2f64.powi(-told.scale));
        for (sign, buckets) in [(1.0, &told.positive), (-1.0, &told.negative)] {
            prop_assert!(buckets.counts.len() <= CONFIG.max_size);
            let mut all = 0;
            for (place, count) in buckets.counts.iter().enumerate() {
                let power = f64::from(buckets.offset) + place as f64;
                // The bounds are computed, so values next to them may be on either side.
                let (low, high) = (
                    base.powf(power) * 0.999_999,
                    base.powf(power + 1.0) * 1.000_001,
                );
                let within = values.iter().filter(|value| {
                    let value = *value * sign;
                    value > low && value <= high
                });
                prop_assert!(within.count() as u64 >= *count);
                all += count;
            }
            prop_assert_eq!(
                all,
                values.iter().filter(|value| **value * sign > 0.0).count() as u64
            );
        }
        Ok(())
    }

    #[test]
    fn a_side_that_begins_in_a_later_part_begins_where_all_of_it_has_room() {
        check_that_all_are_counted(&[
            vec![-784_101_570.736_875_7],
            vec![35_404.852_437_330_56, 826_614_105.588_214_2],
        ])
        .unwrap();
    }

    proptest! {
        #[test]
        fn every_value_is_counted_in_a_bucket_that_holds_it(
            parts in prop::collection::vec(
                prop::collection::vec(-1e9f64..1e9, 1..60), 1..4),
        ) {
            check_that_all_are_counted(&parts)?;
        }
    }
}
