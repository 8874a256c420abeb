//! Metrics as others read them: decoded by the generated code of opentelemetry-proto.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure here is a failure of the test"
)]

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::metrics::v1 as proto;
use proptest::prelude::*;
use prost::Message;
use telemetry::otlp::attribute_set::AttributeSet;
use telemetry::otlp::metric::{put_metric, put_metric_part};
use telemetry::otlp::metric_data::{
    Buckets, Data, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, Number,
    NumberDataPoint, Temporality,
};
use telemetry::otlp::value::Value;

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::Int),
        (-1e300f64..1e300).prop_map(Number::Double),
    ]
}

fn attributes() -> impl Strategy<Value = Arc<AttributeSet>> {
    prop::collection::vec(("[a-z]{1,5}", "[a-z]{0,150}"), 0..4).prop_map(|pairs| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, text)| (key.as_str(), Value::String(text)))
            .collect();
        Arc::new(AttributeSet::from_pairs(&pairs))
    })
}

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let span = prop::option::of((any::<u128>(), any::<u64>()));
    let exemplar = (attributes(), number(), any::<u64>(), span).prop_map(
        |(filtered_attributes, value, time_unix_nanos, span)| Exemplar {
            filtered_attributes,
            value,
            time_unix_nanos,
            span,
        },
    );
    prop::collection::vec(exemplar, 0..3)
}

fn number_points() -> impl Strategy<Value = Vec<NumberDataPoint>> {
    let start = prop::option::of(any::<u64>());
    let point = (attributes(), start, any::<u64>(), number(), exemplars()).prop_map(
        |(attributes, start_unix_nanos, time_unix_nanos, value, exemplars)| NumberDataPoint {
            attributes,
            start_unix_nanos,
            time_unix_nanos,
            value,
            exemplars,
        },
    );
    prop::collection::vec(point, 0..5)
}

fn histogram_points() -> impl Strategy<Value = Vec<HistogramDataPoint>> {
    let extremes = prop::option::of((number(), number()));
    let counts = prop::collection::vec(any::<u64>(), 0..5);
    let bounds = prop::collection::vec(number(), 0..4);
    let rest = (counts, bounds, extremes, exemplars());
    let point = (attributes(), any::<(u64, u64, u64)>(), number(), rest).prop_map(
        |(attributes, (start, time, count), sum, (bucket_counts, bounds, extremes, exemplars))| {
            HistogramDataPoint {
                attributes,
                start_unix_nanos: start,
                time_unix_nanos: time,
                count,
                sum,
                bucket_counts,
                explicit_bounds: bounds.into(),
                extremes,
                exemplars,
            }
        },
    );
    prop::collection::vec(point, 0..5)
}

fn exponential_points() -> impl Strategy<Value = Vec<ExponentialHistogramDataPoint>> {
    let buckets = || {
        (any::<i32>(), prop::collection::vec(any::<u64>(), 0..6))
            .prop_map(|(offset, counts)| Buckets { offset, counts })
    };
    let extremes = prop::option::of((number(), number()));
    let scale = any::<(i32, u64, u32)>();
    let rest = (scale, buckets(), buckets(), extremes, exemplars());
    let point = (attributes(), any::<(u64, u64, u64)>(), number(), rest).prop_map(
        |(attributes, (start, time, count), sum, rest)| {
            let ((scale, zero_count, flags), positive, negative, extremes, exemplars) = rest;
            ExponentialHistogramDataPoint {
                attributes,
                start_unix_nanos: start,
                time_unix_nanos: time,
                count,
                sum,
                scale,
                zero_count,
                positive,
                negative,
                flags,
                extremes,
                exemplars,
            }
        },
    );
    prop::collection::vec(point, 0..5)
}

fn metric() -> impl Strategy<Value = Metric> {
    let temporality = || {
        prop_oneof![
            Just(Temporality::Unspecified),
            Just(Temporality::Delta),
            Just(Temporality::Cumulative),
        ]
    };
    let data = prop_oneof![
        number_points().prop_map(Data::Gauge),
        (number_points(), temporality(), any::<bool>()).prop_map(
            |(points, temporality, is_monotonic)| Data::Sum {
                points,
                temporality,
                is_monotonic,
            }
        ),
        (histogram_points(), temporality()).prop_map(|(points, temporality)| Data::Histogram {
            points,
            temporality,
        }),
        (exponential_points(), temporality()).prop_map(|(points, temporality)| {
            Data::ExponentialHistogram {
                points,
                temporality,
            }
        }),
    ];
    ("[a-z.]{0,9}", "[ a-z]{0,200}", "[a-z]{0,3}", data).prop_map(
        |(name, description, unit, data)| Metric {
            name: name.into(),
            description: description.into(),
            unit: unit.into(),
            data,
        },
    )
}

fn pairs(set: &AttributeSet) -> Vec<(String, String)> {
    use opentelemetry_proto::tonic::common::v1::KeyValue;
    let read = set.entries().map(|entry| KeyValue::decode(entry).unwrap());
    read.map(text_pair).collect()
}

fn text_pair(pair: opentelemetry_proto::tonic::common::v1::KeyValue) -> (String, String) {
    let Some(ProtoValue::StringValue(text)) = pair.value.unwrap().value else {
        panic!("not a text");
    };
    (pair.key, text)
}

fn assert_exemplars(wanted: &[Exemplar], read: Vec<proto::Exemplar>) {
    assert_eq!(wanted.len(), read.len());
    for (wanted, read) in wanted.iter().zip(read) {
        assert_eq!(wanted.time_unix_nanos, read.time_unix_nano);
        let filtered: Vec<_> = read
            .filtered_attributes
            .into_iter()
            .map(text_pair)
            .collect();
        assert_eq!(filtered, pairs(&wanted.filtered_attributes));
        let value = match read.value.unwrap() {
            proto::exemplar::Value::AsInt(value) => Number::Int(value),
            proto::exemplar::Value::AsDouble(value) => Number::Double(value),
        };
        assert_eq!(value, wanted.value);
        let ids = wanted
            .span
            .map_or((Vec::new(), Vec::new()), |(trace_id, span_id)| {
                (
                    trace_id.to_be_bytes().to_vec(),
                    span_id.to_be_bytes().to_vec(),
                )
            });
        assert_eq!((read.trace_id, read.span_id), ids);
    }
}

fn assert_number_points(wanted: &[NumberDataPoint], read: Vec<proto::NumberDataPoint>) {
    assert_eq!(wanted.len(), read.len());
    for (wanted, read) in wanted.iter().zip(read) {
        assert_eq!(
            wanted.start_unix_nanos.unwrap_or(0),
            read.start_time_unix_nano
        );
        assert_eq!(wanted.time_unix_nanos, read.time_unix_nano);
        let value = match read.value.unwrap() {
            proto::number_data_point::Value::AsInt(value) => Number::Int(value),
            proto::number_data_point::Value::AsDouble(value) => Number::Double(value),
        };
        assert_eq!(value, wanted.value);
        let attributes: Vec<_> = read.attributes.into_iter().map(text_pair).collect();
        assert_eq!(attributes, pairs(&wanted.attributes));
        assert_exemplars(&wanted.exemplars, read.exemplars);
    }
}

fn low(extremes: Option<(Number, Number)>) -> Option<f64> {
    extremes.map(|(least, _)| least.as_f64())
}

fn high(extremes: Option<(Number, Number)>) -> Option<f64> {
    extremes.map(|(_, greatest)| greatest.as_f64())
}

fn assert_same(metric: &Metric, read: proto::Metric) {
    assert_eq!(
        (&*metric.name, &*metric.description, &*metric.unit),
        (&*read.name, &*read.description, &*read.unit)
    );
    match (&metric.data, read.data.unwrap()) {
        (Data::Gauge(points), proto::metric::Data::Gauge(read)) => {
            assert_number_points(points, read.data_points);
        }
        (
            Data::Sum {
                points,
                temporality,
                is_monotonic,
            },
            proto::metric::Data::Sum(read),
        ) => {
            assert_eq!(read.aggregation_temporality, *temporality as i32);
            assert_eq!(read.is_monotonic, *is_monotonic);
            assert_number_points(points, read.data_points);
        }
        (
            Data::Histogram {
                points,
                temporality,
            },
            proto::metric::Data::Histogram(read),
        ) => {
            assert_eq!(read.aggregation_temporality, *temporality as i32);
            assert_eq!(points.len(), read.data_points.len());
            for (wanted, read) in points.iter().zip(read.data_points) {
                assert_eq!(
                    (
                        wanted.start_unix_nanos,
                        wanted.time_unix_nanos,
                        wanted.count
                    ),
                    (read.start_time_unix_nano, read.time_unix_nano, read.count)
                );
                assert_eq!(Some(wanted.sum.as_f64()), read.sum);
                assert_eq!(wanted.bucket_counts, read.bucket_counts);
                let bounds = wanted.explicit_bounds.iter().map(|bound| bound.as_f64());
                assert_eq!(bounds.collect::<Vec<_>>(), read.explicit_bounds);
                assert_eq!(
                    (low(wanted.extremes), high(wanted.extremes)),
                    (read.min, read.max)
                );
                let attributes: Vec<_> = read.attributes.into_iter().map(text_pair).collect();
                assert_eq!(attributes, pairs(&wanted.attributes));
                assert_exemplars(&wanted.exemplars, read.exemplars);
            }
        }
        (
            Data::ExponentialHistogram {
                points,
                temporality,
            },
            proto::metric::Data::ExponentialHistogram(read),
        ) => {
            assert_eq!(read.aggregation_temporality, *temporality as i32);
            assert_eq!(points.len(), read.data_points.len());
            for (wanted, read) in points.iter().zip(read.data_points) {
                assert_eq!(
                    (
                        wanted.start_unix_nanos,
                        wanted.time_unix_nanos,
                        wanted.count
                    ),
                    (read.start_time_unix_nano, read.time_unix_nano, read.count)
                );
                assert_eq!(
                    (wanted.scale, wanted.zero_count, wanted.flags),
                    (read.scale, read.zero_count, read.flags)
                );
                assert_eq!(Some(wanted.sum.as_f64()), read.sum);
                for (wanted, read) in [
                    (&wanted.positive, read.positive),
                    (&wanted.negative, read.negative),
                ] {
                    let read = read.unwrap_or_default();
                    assert_eq!(wanted.counts, read.bucket_counts);
                    assert!(wanted.counts.is_empty() || wanted.offset == read.offset);
                }
                assert_eq!(
                    (low(wanted.extremes), high(wanted.extremes)),
                    (read.min, read.max)
                );
                let attributes: Vec<_> = read.attributes.into_iter().map(text_pair).collect();
                assert_eq!(attributes, pairs(&wanted.attributes));
                assert_exemplars(&wanted.exemplars, read.exemplars);
            }
        }
        (wanted, read) => panic!("{wanted:?} was read as {read:?}"),
    }
}

proptest! {
    #[test]
    fn a_metric_is_read_as_it_was_written(metric in metric()) {
        let mut written = Vec::new();
        put_metric(&mut written, &metric);
        assert_same(&metric, proto::Metric::decode(written.as_slice()).unwrap());
    }

    #[test]
    fn parts_of_a_metric_have_all_of_its_points(points in number_points(), at in 0usize..6) {
        let metric = |points: &[NumberDataPoint]| Metric {
            name: "m".into(),
            description: "".into(),
            unit: "".into(),
            data: Data::Gauge(points.to_vec()),
        };
        let at = at.min(points.len());
        for range in [0..at, at..points.len()] {
            let mut part = Vec::new();
            put_metric_part(&mut part, &metric(&points), range.clone());
            let mut whole = Vec::new();
            put_metric(&mut whole, &metric(&points[range]));
            prop_assert_eq!(part, whole);
        }
    }
}
