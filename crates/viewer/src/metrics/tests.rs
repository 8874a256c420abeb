//! What is added up over processes and restarts, and what is kept when there is no room.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Sum, SummaryDataPoint,
};

use super::*;

const SECOND: u64 = 1_000_000_000;
const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;
const DELTA: i32 = AggregationTemporality::Delta as i32;

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Any::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

pub(crate) fn origin(service: &str, instance: &str) -> Origin {
    Origin {
        service: service.into(),
        resource: Arc::new(Resource {
            attributes: vec![
                attribute("service.name", service),
                attribute("service.instance.id", instance),
            ],
            ..Resource::default()
        }),
        scope: "tests".into(),
    }
}

pub(crate) fn number(
    attributes: &[(&str, &str)],
    start: u64,
    time: u64,
    value: f64,
) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes
            .iter()
            .map(|(key, value)| attribute(key, value))
            .collect(),
        start_time_unix_nano: start * SECOND,
        time_unix_nano: time * SECOND,
        value: Some(Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

pub(crate) fn metric(name: &str, unit: &str, data: Data) -> SentMetric {
    SentMetric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..SentMetric::default()
    }
}

pub(crate) fn sum(temporality: i32, is_monotonic: bool, data_points: Vec<NumberDataPoint>) -> Data {
    Data::Sum(Sum {
        data_points,
        aggregation_temporality: temporality,
        is_monotonic,
    })
}

fn histogram(temporality: i32, start: u64, time: u64, values: &[f64]) -> Data {
    let bounds = vec![10.0, 20.0];
    let mut counts = vec![0; 3];
    for value in values {
        counts[bounds.partition_point(|bound| bound < value)] += 1;
    }
    Data::Histogram(Histogram {
        data_points: vec![HistogramDataPoint {
            start_time_unix_nano: start * SECOND,
            time_unix_nano: time * SECOND,
            count: values.len() as u64,
            sum: Some(values.iter().sum()),
            explicit_bounds: bounds,
            bucket_counts: counts,
            min: values.iter().copied().reduce(f64::min),
            max: values.iter().copied().reduce(f64::max),
            ..HistogramDataPoint::default()
        }],
        aggregation_temporality: temporality,
    })
}

/// What all metrics of this name come to.
fn total(metrics: &Metrics, name: &str) -> Amount {
    let found: Vec<_> = metrics.iter().filter(|(key, _)| key.name == name).collect();
    assert_eq!(found.len(), 1, "one metric is called {name}");
    found[0].1.total().expect("points")
}

fn send(metrics: &mut Metrics, origin: &Origin, name: &str, data: Data) -> (u64, u64) {
    metrics.begin_request();
    metrics.add(origin, &metric(name, "1", data), 100)
}

#[test]
fn counters_add_up_over_series_and_processes() {
    let mut metrics = Metrics::default();
    for (instance, ok, bad) in [("one", 5.0, 1.0), ("two", 7.0, 2.0), ("one", 9.0, 1.0)] {
        let points = vec![
            number(&[("status", "200"), ("method", "GET")], 1, 10, ok),
            number(&[("status", "500"), ("method", "GET")], 1, 10, bad),
        ];
        send(
            &mut metrics,
            &origin("shop", instance),
            "requests",
            sum(CUMULATIVE, true, points),
        );
    }
    assert_eq!(total(&metrics, "requests"), Amount::Number(19.0));
    assert_eq!(metrics.series_count(), 4);
    // The order of attributes tells nothing apart.
    let point = number(&[("method", "GET"), ("status", "200")], 1, 11, 10.0);
    send(
        &mut metrics,
        &origin("shop", "one"),
        "requests",
        sum(CUMULATIVE, true, vec![point]),
    );
    assert_eq!(total(&metrics, "requests"), Amount::Number(20.0));
    assert_eq!(metrics.series_count(), 4);
}

#[test]
fn deltas_add_up_and_one_that_is_sent_twice_counts_once() {
    let mut metrics = Metrics::default();
    for (start, time) in [(1, 2), (2, 3), (2, 3), (3, 4)] {
        let points = vec![number(&[], start, time, 4.0)];
        let origin = origin("shop", "one");
        send(&mut metrics, &origin, "requests", sum(DELTA, true, points));
    }
    assert_eq!(total(&metrics, "requests"), Amount::Number(12.0));
}

#[test]
fn a_counter_that_begins_anew_goes_on_from_where_it_was() {
    let mut metrics = Metrics::default();
    let origin = origin("shop", "one");
    for (start, time, value) in [
        (1, 2, 10.0),
        (1, 3, 12.0),
        (5, 6, 3.0),
        (5, 7, 4.0),
        (5, 4, 99.0),
    ] {
        let points = vec![number(&[], start, time, value)];
        let data = sum(CUMULATIVE, true, points);
        send(&mut metrics, &origin, "requests", data);
    }
    assert_eq!(total(&metrics, "requests"), Amount::Number(16.0));
    // A fall without a new start is a new beginning too.
    let points = vec![number(&[], 5, 8, 1.0)];
    send(
        &mut metrics,
        &origin,
        "requests",
        sum(CUMULATIVE, true, points),
    );
    assert_eq!(total(&metrics, "requests"), Amount::Number(17.0));
}

#[test]
fn up_down_counters_and_gauges_have_their_last_value() {
    let mut metrics = Metrics::default();
    for (instance, time, value) in [("one", 2, 5.0), ("one", 3, 2.0), ("two", 3, 4.0)] {
        let origin = origin("shop", instance);
        let points = vec![number(&[], 1, time, value)];
        send(
            &mut metrics,
            &origin,
            "open",
            sum(CUMULATIVE, false, points),
        );
        let data_points = vec![number(&[], 0, time, value)];
        send(
            &mut metrics,
            &origin,
            "level",
            Data::Gauge(Gauge { data_points }),
        );
    }
    assert_eq!(total(&metrics, "open"), Amount::Number(6.0));
    let (_, gauge) = metrics.iter().last().expect("metrics");
    let mut values: Vec<_> = gauge
        .series()
        .map(|series| series.amount().size())
        .collect();
    values.sort_by(f64::total_cmp);
    assert_eq!(values, [2.0, 4.0]);
}

#[test]
fn histograms_of_several_processes_become_one() {
    for temporality in [CUMULATIVE, DELTA] {
        let mut metrics = Metrics::default();
        for instance in ["one", "two"] {
            let origin = origin("shop", instance);
            let first = histogram(temporality, 1, 2, &[5.0, 15.0]);
            send(&mut metrics, &origin, "duration", first);
            let (start, values): (u64, &[f64]) = match temporality {
                CUMULATIVE => (1, &[5.0, 15.0, 18.0]),
                _ => (2, &[18.0]),
            };
            let second = histogram(temporality, start, 3, values);
            send(&mut metrics, &origin, "duration", second);
        }
        let Amount::Distribution(values) = total(&metrics, "duration") else {
            panic!("a histogram");
        };
        assert_eq!((values.count, values.sum), (6, Some(76.0)));
        assert_eq!(values.extremes, Some((5.0, 18.0)));
        assert_eq!(values.shape(10), [2.0, 4.0]);
    }
}

#[test]
fn what_makes_no_sense_or_has_no_room_is_counted_as_not_kept() {
    let mut metrics = Metrics::default();
    let origin = origin("shop", "one");
    let empty = NumberDataPoint::default();
    let points = vec![empty, number(&[], 1, 2, 1.0)];
    assert_eq!(
        send(
            &mut metrics,
            &origin,
            "requests",
            sum(CUMULATIVE, true, points)
        ),
        (2, 1)
    );
    let data_points = vec![SummaryDataPoint::default(); 3];
    let summary = Data::Summary(opentelemetry_proto::tonic::metrics::v1::Summary { data_points });
    assert_eq!(send(&mut metrics, &origin, "summary", summary), (3, 3));
    assert_eq!(metrics.add(&origin, &SentMetric::default(), 100), (0, 0));
    let points = (0..150)
        .map(|user| number(&[("user", &user.to_string())], 1, 2, 1.0))
        .collect();
    assert_eq!(
        send(
            &mut metrics,
            &origin,
            "users",
            sum(CUMULATIVE, true, points)
        ),
        (150, 51)
    );
    assert_eq!(metrics.series_count(), 100);
}

#[test]
fn series_that_are_long_silent_make_room_and_stay_in_the_totals() {
    let mut metrics = Metrics::default();
    for process in 0..1_000_u64 {
        let origin = origin("shop", &process.to_string());
        for time in [1, 2] {
            let points = vec![number(&[], process, process + time, 10.0)];
            let (_, unkept) = send(
                &mut metrics,
                &origin,
                "requests",
                sum(CUMULATIVE, true, points),
            );
            assert_eq!(unkept, 0, "process {process}");
        }
    }
    assert!(metrics.series_count() <= 100);
    assert_eq!(total(&metrics, "requests"), Amount::Number(10_000.0));
}

#[test]
fn absurd_points_are_taken_and_drawn_without_complaint() {
    use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
    use opentelemetry_proto::tonic::metrics::v1::{
        ExponentialHistogram, ExponentialHistogramDataPoint,
    };

    let mut metrics = Metrics::default();
    let origin = origin("shop", "one");
    let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -0.0];
    for (position, value) in numbers.into_iter().enumerate() {
        let mut point = number(&[], 0, 0, value);
        (point.start_time_unix_nano, point.time_unix_nano) = (u64::MAX, position as u64);
        send(
            &mut metrics,
            &origin,
            "number",
            sum(CUMULATIVE, true, vec![point.clone()]),
        );
        (point.start_time_unix_nano, point.time_unix_nano) = (1, u64::MAX);
        send(
            &mut metrics,
            &origin,
            "number",
            sum(DELTA, true, vec![point.clone()]),
        );
        let data_points = vec![point];
        send(
            &mut metrics,
            &origin,
            "gauge",
            Data::Gauge(Gauge { data_points }),
        );
    }
    for offset in [i32::MIN, -1_100, 0, 1_100, i32::MAX] {
        for scale in [-10, 0, 20] {
            let buckets = Buckets {
                offset,
                bucket_counts: vec![u64::MAX, 0, 1],
            };
            let point = ExponentialHistogramDataPoint {
                count: u64::MAX,
                sum: Some(f64::NAN),
                scale,
                zero_count: 1,
                zero_threshold: f64::NAN,
                positive: Some(buckets.clone()),
                negative: Some(buckets),
                min: Some(f64::NEG_INFINITY),
                max: Some(f64::INFINITY),
                ..ExponentialHistogramDataPoint::default()
            };
            let data = Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![point],
                aggregation_temporality: DELTA,
            });
            send(&mut metrics, &origin, "histogram", data);
        }
    }
    for unicode in [true, false] {
        let style = crate::draw::Style {
            width: 80,
            colour: true,
            unicode,
            details: true,
            all: true,
        };
        let drawn = crate::draw::metrics::render(&metrics, None, &style);
        assert!(drawn.contains("histogram"), "{drawn}");
    }
}
