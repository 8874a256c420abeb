//! What was recorded between two points of a cumulative series.

use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint};

/// The histogram of what came after `before`; the whole one where the series began anew.
pub(super) fn explicit(
    before: &HistogramDataPoint,
    now: &HistogramDataPoint,
) -> HistogramDataPoint {
    let is_further = now.start_time_unix_nano == before.start_time_unix_nano
        && now.explicit_bounds == before.explicit_bounds
        && now.bucket_counts.len() == before.bucket_counts.len()
        && now.count >= before.count;
    if !is_further {
        return now.clone();
    }
    let counts = now.bucket_counts.iter().zip(&before.bucket_counts);
    HistogramDataPoint {
        count: now.count - before.count,
        sum: difference(now.sum, before.sum),
        bucket_counts: counts
            .map(|(now, before)| now.saturating_sub(*before))
            .collect(),
        // Those of all time, not of the time between.
        min: None,
        max: None,
        ..now.clone()
    }
}

/// The same of exponential histograms, whose scale may have become coarser meanwhile.
pub(super) fn exponential(
    before: &ExponentialHistogramDataPoint,
    now: &ExponentialHistogramDataPoint,
) -> ExponentialHistogramDataPoint {
    let is_further = now.start_time_unix_nano == before.start_time_unix_nano
        && now.scale <= before.scale
        && now.count >= before.count;
    if !is_further {
        return now.clone();
    }
    let shift = before.scale.saturating_sub(now.scale).min(31);
    ExponentialHistogramDataPoint {
        count: now.count - before.count,
        sum: difference(now.sum, before.sum),
        zero_count: now.zero_count.saturating_sub(before.zero_count),
        positive: without(now.positive.as_ref(), before.positive.as_ref(), shift),
        negative: without(now.negative.as_ref(), before.negative.as_ref(), shift),
        min: None,
        max: None,
        ..now.clone()
    }
}

fn difference(now: Option<f64>, before: Option<f64>) -> Option<f64> {
    Some(now? - before?)
}

fn without(now: Option<&Buckets>, before: Option<&Buckets>, shift: i32) -> Option<Buckets> {
    let mut left = now?.clone();
    if let Some(before) = before {
        // The last index of all may be 2^31 - 1, which a wider number still counts beyond.
        for (index, count) in (i64::from(before.offset)..).zip(&before.bucket_counts) {
            // A bucket of a finer scale lies in the one with its index halved.
            let position = usize::try_from((index >> shift) - i64::from(left.offset)).ok();
            if let Some(known) = position.and_then(|it| left.bucket_counts.get_mut(it)) {
                *known = known.saturating_sub(*count);
            }
        }
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(scale: i32, offset: i32, counts: &[u64]) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            scale,
            count: counts.iter().sum(),
            sum: Some(10.0 * counts.len() as f64),
            positive: Some(Buckets {
                offset,
                bucket_counts: counts.to_vec(),
            }),
            ..ExponentialHistogramDataPoint::default()
        }
    }

    #[test]
    fn buckets_at_both_ends_of_all_indexes_are_taken_away() {
        for (offset, counts) in [(i32::MAX, vec![1, 2]), (i32::MIN, vec![1; 3])] {
            let before = point(0, offset, &counts);
            let more = exponential(&before, &point(0, offset, &[5; 3]));
            let left: Vec<u64> = (0..3).map(|it| 5 - counts.get(it).unwrap_or(&0)).collect();
            assert_eq!(more.positive.expect("buckets").bucket_counts, left);
        }
        // From one end to the other.
        let more = exponential(&point(0, i32::MIN, &[1]), &point(0, i32::MAX, &[1]));
        assert_eq!(more.positive.expect("buckets").bucket_counts, [1]);
    }

    #[test]
    fn buckets_of_a_finer_scale_are_taken_from_the_ones_they_lie_in() {
        // Indexes -3 to 2 at scale 1 lie in -2 to 1 at scale 0.
        let before = point(1, -3, &[1, 1, 1, 1, 1, 1]);
        let now = point(0, -2, &[1, 4, 2, 1]);
        let more = exponential(&before, &now);
        assert_eq!(more.count, 2);
        assert_eq!(more.positive.expect("buckets").bucket_counts, [0, 2, 0, 0]);
        let anew = ExponentialHistogramDataPoint {
            start_time_unix_nano: 5,
            ..now.clone()
        };
        assert_eq!(exponential(&before, &anew), anew);
    }

    #[test]
    fn a_histogram_that_began_anew_counts_whole() {
        let point = |start, counts: [u64; 2]| HistogramDataPoint {
            start_time_unix_nano: start,
            count: counts.iter().sum(),
            sum: Some(1.0),
            explicit_bounds: vec![5.0],
            bucket_counts: counts.to_vec(),
            ..HistogramDataPoint::default()
        };
        let more = explicit(&point(1, [2, 3]), &point(1, [4, 3]));
        assert_eq!((more.count, more.bucket_counts), (2, vec![2, 0]));
        assert_eq!(explicit(&point(1, [2, 3]), &point(2, [1, 0])).count, 1);
        assert_eq!(explicit(&point(1, [2, 3]), &point(1, [1, 0])).count, 1);
    }
}
