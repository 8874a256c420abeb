//! Quantiles against the values that were recorded, and what merging must keep.

use super::*;

fn explicit(bounds: &[f64], values: &[f64]) -> Distribution {
    let mut counts = vec![0; bounds.len() + 1];
    for value in values {
        counts[bounds.partition_point(|bound| bound < value)] += 1;
    }
    let point = HistogramDataPoint {
        count: values.len() as u64,
        sum: Some(values.iter().sum()),
        min: values.iter().copied().reduce(f64::min),
        max: values.iter().copied().reduce(f64::max),
        explicit_bounds: bounds.to_vec(),
        bucket_counts: counts,
        ..HistogramDataPoint::default()
    };
    Distribution::explicit(&point).expect("bounds and counts that fit")
}

fn exponential(scale: i32, values: &[f64]) -> Distribution {
    let side = |sign: f64| {
        let index = |value: f64| {
            let exact = value.log2() * f64::from(scale).exp2();
            exact.ceil() as i32 - 1
        };
        let indexes: Vec<i32> = values
            .iter()
            .filter(|value| **value * sign > 0.0)
            .map(|value| index(value.abs()))
            .collect();
        let offset = indexes.iter().copied().min()?;
        let last = indexes.iter().copied().max()?;
        let mut bucket_counts = vec![0; (last - offset + 1) as usize];
        for index in indexes {
            bucket_counts[(index - offset) as usize] += 1;
        }
        Some(Buckets {
            offset,
            bucket_counts,
        })
    };
    let point = ExponentialHistogramDataPoint {
        count: values.len() as u64,
        sum: Some(values.iter().sum()),
        min: values.iter().copied().reduce(f64::min),
        max: values.iter().copied().reduce(f64::max),
        scale,
        zero_count: values.iter().filter(|value| **value == 0.0).count() as u64,
        positive: side(1.0),
        negative: side(-1.0),
        ..ExponentialHistogramDataPoint::default()
    };
    Distribution::exponential(&point).expect("buckets within the specification")
}

/// Values that spread over three orders of magnitude, always the same ones.
fn values(count: usize) -> Vec<f64> {
    let mut state = 7_u64;
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let share = (state >> 11) as f64 / (1_u64 << 53) as f64;
            1_000_f64.powf(share)
        })
        .collect()
}

fn exact(values: &[f64], quantile: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((values.len() as f64 * quantile) as usize).min(values.len() - 1)]
}

fn weight(distribution: &Distribution) -> f64 {
    distribution.zeros
        + distribution
            .pieces
            .iter()
            .map(|piece| piece.weight)
            .sum::<f64>()
}

#[test]
fn quantiles_of_explicit_buckets_are_interpolated_between_their_bounds() {
    // Ten values in (0, 10], ten in (10, 20].
    let values: Vec<f64> = (1..=20).map(f64::from).collect();
    let it = explicit(&[0.0, 10.0, 20.0, 50.0], &values);
    assert_eq!(it.quantile(0.5), Some(10.0));
    assert_eq!(it.quantile(0.75), Some(15.0));
    assert_eq!(it.quantile(1.0), Some(20.0));
    // The first bucket begins at the least value, not at its bound.
    assert_eq!(it.quantile(0.0), Some(1.0));
    assert_eq!(it.quantile(0.25), Some(5.5));
}

#[test]
fn the_outermost_buckets_end_where_the_extremes_are() {
    let it = explicit(&[10.0], &[300.0, 400.0, 500.0]);
    assert_eq!(it.quantile(1.0), Some(500.0));
    assert!(it.quantile(0.01).expect("values") >= 300.0);
    let mut without = it;
    without.extremes = None;
    assert_eq!(without.quantile(0.99), Some(10.0));
    let mut below = explicit(&[10.0], &[1.0, 2.0]);
    below.extremes = None;
    assert_eq!(below.quantile(0.5), Some(5.0));
}

#[test]
fn quantiles_of_exponential_buckets_are_as_exact_as_their_scale() {
    let values = values(5_000);
    for scale in [0, 3, 6] {
        let it = exponential(scale, &values);
        let growth = f64::from(-scale).exp2().exp2();
        for quantile in [0.01, 0.5, 0.95, 0.99] {
            let ratio = it.quantile(quantile).expect("values") / exact(&values, quantile);
            assert!(
                (1.0 / growth..=growth).contains(&ratio),
                "scale {scale}, {quantile}: {ratio}"
            );
        }
    }
}

#[test]
fn zeros_and_negative_values_have_their_place() {
    let it = exponential(4, &[-8.0, -4.0, 0.0, 0.0, 0.0, 4.0, 8.0]);
    assert_eq!(it.quantile(0.5), Some(0.0));
    assert!(it.quantile(0.1).expect("values") < -7.0);
    assert!(it.quantile(0.95).expect("values") > 7.0);
}

#[test]
fn what_several_processes_recorded_is_what_one_would_have_recorded() {
    let values = values(3_000);
    let bounds = [1.0, 2.0, 5.0, 10.0, 50.0, 200.0, 1_000.0];
    for make in [
        (|values: &[f64]| explicit(&[1.0, 2.0, 5.0, 10.0, 50.0, 200.0, 1_000.0], values))
            as fn(&[f64]) -> Distribution,
        |values: &[f64]| exponential(3, values),
    ] {
        let mut sum = Distribution::default();
        for part in values.chunks(700) {
            sum.add(&make(part));
        }
        let whole = make(&values);
        assert_eq!(sum.count, whole.count);
        assert_eq!(sum.extremes, whole.extremes);
        assert!((weight(&sum) - 3_000.0).abs() < 1e-6);
        for quantile in [0.05, 0.5, 0.95, 0.99] {
            let (one, other) = (sum.quantile(quantile), whole.quantile(quantile));
            let ratio = one.expect("values") / other.expect("values");
            assert!((0.999..=1.001).contains(&ratio), "{quantile}: {ratio}");
        }
    }
    // Scales and bounds may differ too; then the answer is as exact as the coarser of them.
    let mut mixed = exponential(5, &values[..1_500]);
    mixed.add(&exponential(2, &values[1_500..]));
    mixed.add(&explicit(&bounds, &values));
    assert!((weight(&mixed) - 6_000.0).abs() < 1e-6);
    let ratio = mixed.quantile(0.5).expect("values") / exact(&values, 0.5);
    assert!((0.8..1.25).contains(&ratio), "{ratio}");
}

#[test]
fn bounds_of_two_scales_meet_exactly() {
    let values = values(500);
    let mut fine = exponential(5, &values);
    let pieces = fine.pieces.len();
    fine.add(&exponential(4, &values));
    assert!(fine.pieces.len() <= pieces + 2, "{}", fine.pieces.len());
}

#[test]
fn a_shape_has_no_more_columns_than_asked_for_and_all_the_weight() {
    let it = exponential(5, &values(1_000));
    let shape = it.shape(12);
    assert!((8..=12).contains(&shape.len()), "{shape:?}");
    assert!((shape.iter().sum::<f64>() - 1_000.0).abs() < 1e-6);
    assert_eq!(
        explicit(&[0.0, 1.0, 2.0, 3.0], &[0.5, 2.5, 2.6]).shape(12),
        [1.0, 0.0, 2.0]
    );
    assert_eq!(Distribution::default().shape(12), [0.0; 0]);
    assert_eq!(Distribution::default().quantile(0.5), None);
}

#[test]
fn points_that_contradict_themselves_are_not_understood() {
    let point = |bounds: &[f64], counts: &[u64]| {
        Distribution::explicit(&HistogramDataPoint {
            explicit_bounds: bounds.to_vec(),
            bucket_counts: counts.to_vec(),
            ..HistogramDataPoint::default()
        })
    };
    assert_eq!(point(&[1.0, 2.0], &[1, 2]), None);
    assert_eq!(point(&[2.0, 1.0], &[1, 2, 3]), None);
    assert_eq!(point(&[f64::NAN], &[1, 2]), None);
    assert!(point(&[], &[]).is_some());
    let exponential = |scale: i32, buckets: usize| {
        Distribution::exponential(&ExponentialHistogramDataPoint {
            count: 1,
            scale,
            positive: Some(Buckets {
                offset: i32::MAX,
                bucket_counts: vec![1; buckets],
            }),
            ..ExponentialHistogramDataPoint::default()
        })
    };
    assert_eq!(exponential(1_000, 1), None);
    assert_eq!(exponential(0, 2_000), None);
    assert!(exponential(0, 3).is_some());
}

#[test]
fn without_buckets_the_extremes_are_what_is_known() {
    let it = explicit(&[], &[2.0, 4.0]);
    assert_eq!(it.quantile(0.5), Some(3.0));
}

#[test]
fn a_sum_of_many_different_layouts_stays_bounded() {
    let mut sum = Distribution::default();
    for number in 0..200 {
        let bounds: Vec<f64> = (0..50)
            .map(|bound| f64::from(bound) + f64::from(number) / 300.0)
            .collect();
        sum.add(&explicit(&bounds, &[10.0, 20.0]));
    }
    assert!(sum.pieces.len() <= MOST_PIECES);
    assert!((weight(&sum) - 400.0).abs() < 1e-6);
}
