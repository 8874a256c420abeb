//! A metric as OTLP: the body of `opentelemetry.proto.metrics.v1.Metric`.

use std::ops::Range;

use super::metric_data::{
    Buckets, Data, Exemplar, ExponentialHistogramDataPoint, Extremes, HistogramDataPoint, Metric,
    Number, NumberDataPoint, Temporality,
};
use super::wire::{LENGTH_DELIMITED, bytes_field_len};
use super::wire::{
    put_bytes_field, put_bytes_header, put_double_field, put_fixed64_field, put_tag, put_varint,
    put_varint_field, varint_len,
};

const GAUGE: u32 = 5;
const SUM: u32 = 7;
const HISTOGRAM: u32 = 9;
const EXPONENTIAL_HISTOGRAM: u32 = 10;
/// `data_points`, in all of the four.
const DATA_POINTS: u32 = 1;
/// `aggregation_temporality`, in all that have it.
const TEMPORALITY: u32 = 2;
const IS_MONOTONIC: u32 = 3;

/// Writes `metric` with all of its points.
pub fn put_metric(buffer: &mut Vec<u8>, metric: &Metric) {
    put_metric_part(buffer, metric, 0..metric.data.len());
}

/// Writes `metric` with some of its points, by number.
pub fn put_metric_part(buffer: &mut Vec<u8>, metric: &Metric, points: Range<usize>) {
    put_text(buffer, 1, &metric.name);
    put_text(buffer, 2, &metric.description);
    put_text(buffer, 3, &metric.unit);
    let mut body = Vec::new();
    let field = match &metric.data {
        Data::Gauge(all) => {
            put_points(&mut body, all.get(points), put_number_point);
            GAUGE
        }
        Data::Sum {
            points: all,
            temporality,
            is_monotonic,
        } => {
            put_points(&mut body, all.get(points), put_number_point);
            put_temporality(&mut body, *temporality);
            if *is_monotonic {
                put_varint_field(&mut body, IS_MONOTONIC, 1);
            }
            SUM
        }
        Data::Histogram {
            points: all,
            temporality,
        } => {
            put_points(&mut body, all.get(points), put_histogram_point);
            put_temporality(&mut body, *temporality);
            HISTOGRAM
        }
        Data::ExponentialHistogram {
            points: all,
            temporality,
        } => {
            put_points(&mut body, all.get(points), put_exponential_point);
            put_temporality(&mut body, *temporality);
            EXPONENTIAL_HISTOGRAM
        }
    };
    put_bytes_field(buffer, field, &body);
}

fn put_points<P>(body: &mut Vec<u8>, points: Option<&[P]>, put: fn(&mut Vec<u8>, &P)) {
    let mut scratch = Vec::new();
    for point in points.unwrap_or_default() {
        scratch.clear();
        put(&mut scratch, point);
        put_bytes_field(body, DATA_POINTS, &scratch);
    }
}

fn put_number_point(buffer: &mut Vec<u8>, point: &NumberDataPoint) {
    put_time(buffer, 2, point.start_unix_nanos.unwrap_or(0));
    put_time(buffer, 3, point.time_unix_nanos);
    put_number(buffer, point.value, 6, 4);
    put_exemplars(buffer, 5, &point.exemplars);
    point.attributes.put(buffer, 7);
}

fn put_histogram_point(buffer: &mut Vec<u8>, point: &HistogramDataPoint) {
    put_time(buffer, 2, point.start_unix_nanos);
    put_time(buffer, 3, point.time_unix_nanos);
    put_time(buffer, 4, point.count);
    put_double_field(buffer, 5, point.sum.as_f64());
    if !point.bucket_counts.is_empty() {
        put_bytes_header(buffer, 6, point.bucket_counts.len() * 8);
        for count in &point.bucket_counts {
            buffer.extend_from_slice(&count.to_le_bytes());
        }
    }
    if !point.explicit_bounds.is_empty() {
        put_bytes_header(buffer, 7, point.explicit_bounds.len() * 8);
        for bound in &*point.explicit_bounds {
            buffer.extend_from_slice(&bound.as_f64().to_le_bytes());
        }
    }
    put_exemplars(buffer, 8, &point.exemplars);
    point.attributes.put(buffer, 9);
    put_extremes(buffer, 11, point.extremes);
}

fn put_exponential_point(buffer: &mut Vec<u8>, point: &ExponentialHistogramDataPoint) {
    point.attributes.put(buffer, 1);
    put_time(buffer, 2, point.start_unix_nanos);
    put_time(buffer, 3, point.time_unix_nanos);
    put_time(buffer, 4, point.count);
    put_double_field(buffer, 5, point.sum.as_f64());
    if point.scale != 0 {
        put_varint_field(buffer, 6, zigzag(point.scale));
    }
    put_time(buffer, 7, point.zero_count);
    put_buckets(buffer, 8, &point.positive);
    put_buckets(buffer, 9, &point.negative);
    if point.flags != 0 {
        put_varint_field(buffer, 10, u64::from(point.flags));
    }
    put_exemplars(buffer, 11, &point.exemplars);
    put_extremes(buffer, 12, point.extremes);
}

fn put_buckets(buffer: &mut Vec<u8>, field: u32, buckets: &Buckets) {
    if buckets.counts.is_empty() {
        return;
    }
    let counts_len: usize = buckets.counts.iter().copied().map(varint_len).sum();
    let offset_len = match buckets.offset {
        0 => 0,
        offset => 1 + varint_len(zigzag(offset)),
    };
    put_bytes_header(buffer, field, offset_len + bytes_field_len(2, counts_len));
    if buckets.offset != 0 {
        put_varint_field(buffer, 1, zigzag(buckets.offset));
    }
    put_bytes_header(buffer, 2, counts_len);
    for &count in &buckets.counts {
        put_varint(buffer, count);
    }
}

fn put_exemplars(buffer: &mut Vec<u8>, field: u32, exemplars: &[Exemplar]) {
    let mut body = Vec::new();
    for exemplar in exemplars {
        body.clear();
        put_time(&mut body, 2, exemplar.time_unix_nanos);
        put_number(&mut body, exemplar.value, 6, 3);
        if let Some((trace_id, span_id)) = exemplar.span {
            put_bytes_field(&mut body, 4, &span_id.to_be_bytes());
            put_bytes_field(&mut body, 5, &trace_id.to_be_bytes());
        }
        exemplar.filtered_attributes.put(&mut body, 7);
        put_tag(buffer, field, LENGTH_DELIMITED);
        put_varint(buffer, body.len() as u64);
        buffer.extend_from_slice(&body);
    }
}

// Members of a oneof: written even when they hold their type's zero.
fn put_number(buffer: &mut Vec<u8>, number: Number, as_int: u32, as_double: u32) {
    match number {
        Number::Int(value) => put_fixed64_field(buffer, as_int, value.cast_unsigned()),
        Number::Double(value) => put_double_field(buffer, as_double, value),
    }
}

// Both are optional fields: written even when they hold zero.
fn put_extremes(buffer: &mut Vec<u8>, first: u32, extremes: Extremes) {
    if let Some((least, greatest)) = extremes {
        put_double_field(buffer, first, least.as_f64());
        put_double_field(buffer, first + 1, greatest.as_f64());
    }
}

fn put_temporality(buffer: &mut Vec<u8>, temporality: Temporality) {
    if temporality != Temporality::Unspecified {
        put_varint_field(buffer, TEMPORALITY, temporality as u64);
    }
}

// A `fixed64`: a time or a count.
fn put_time(buffer: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        put_fixed64_field(buffer, field, value);
    }
}

fn put_text(buffer: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        put_bytes_field(buffer, field, text.as_bytes());
    }
}

/// A `sint32` as protobuf has it on the wire.
fn zigzag(value: i32) -> u64 {
    u64::from((value << 1 ^ value >> 31).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::otlp::attribute_set::AttributeSet;
    use crate::otlp::value::Value;

    #[test]
    fn a_sum_has_the_bytes_of_the_protobuf_definition() {
        let metric = Metric {
            name: "c".into(),
            description: "".into(),
            unit: "1".into(),
            data: Data::Sum {
                points: vec![NumberDataPoint {
                    attributes: Arc::new(AttributeSet::from_pairs(&[("k", Value::String("v"))])),
                    start_unix_nanos: Some(1),
                    time_unix_nanos: 2,
                    value: Number::Int(-1),
                    exemplars: Vec::new(),
                }],
                temporality: Temporality::Cumulative,
                is_monotonic: true,
            },
        };
        let mut written = Vec::new();
        put_metric(&mut written, &metric);
        assert_eq!(
            written,
            b"\x0a\x01c\x1a\x011\x3a\x2b\
              \x0a\x25\x11\x01\0\0\0\0\0\0\0\x19\x02\0\0\0\0\0\0\0\
              \x31\xff\xff\xff\xff\xff\xff\xff\xff\x3a\x08\x0a\x01k\x12\x03\x0a\x01v\
              \x10\x02\x18\x01"
        );
    }

    #[test]
    fn a_signed_number_is_zigzag_encoded() {
        let encoded = [0, -1, 1, -2, i32::MAX, i32::MIN].map(zigzag);
        assert_eq!(encoded, [0, 1, 2, 3, 0xffff_fffe, 0xffff_ffff]);
    }

    #[test]
    fn empty_buckets_are_left_out_and_counts_are_packed() {
        let mut written = Vec::new();
        put_buckets(&mut written, 8, &Buckets::default());
        assert!(written.is_empty());
        let buckets = Buckets {
            offset: -1,
            counts: vec![0, 300],
        };
        put_buckets(&mut written, 8, &buckets);
        assert_eq!(written, b"\x42\x07\x08\x01\x12\x03\0\xac\x02");
    }
}
