//! Doubles that JSON has no number for. OTLP/JSON writes them as texts, `opentelemetry-proto` as
//! `null`, which loses them. So three numbers that nobody measures stand for them in between.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, NumberDataPoint};
use opentelemetry_proto::tonic::metrics::v1::{exemplar, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde_json::{Value, json};

use super::value::double;

/// What is no number, and what stands for it: three arbitrary ones at the very end of the range.
const STAND_INS: [(f64, f64); 3] = [
    (f64::NAN, f64::from_bits(0x7FEF_5A3C_91E6_D701)),
    (f64::INFINITY, f64::from_bits(0x7FEF_5A3C_91E6_D703)),
    (f64::NEG_INFINITY, f64::from_bits(0x7FEF_5A3C_91E6_D705)),
];
/// Fields of OTLP/JSON that are doubles and that `opentelemetry-proto` reads as numbers only.
const FIELDS: [&str; 7] = [
    "doubleValue",
    "asDouble",
    "sum",
    "min",
    "max",
    "zeroThreshold",
    "explicitBounds",
];

/// Puts stand-ins in the place of what is no number; says whether there was any.
pub(super) fn stand_in(request: &mut impl Doubles) -> bool {
    let mut has_any = false;
    request.each(&mut |it| {
        if !it.is_finite() {
            let found = STAND_INS.iter().find(|(real, _)| is_same(*real, *it));
            *it = found.map_or(*it, |(_, stand_in)| *stand_in);
            has_any = true;
        }
    });
    has_any
}

/// The opposite.
pub(super) fn stand_back(request: &mut impl Doubles) {
    request.each(&mut |it| {
        let found = STAND_INS
            .iter()
            .find(|(_, stand_in)| is_same(*stand_in, *it));
        *it = found.map_or(*it, |(real, _)| *real);
    });
}

fn is_same(one: f64, other: f64) -> bool {
    one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan())
}

/// Whether a document may have such texts: it is worth looking before it is read twice.
pub(super) fn may_be_in(document: &[u8]) -> bool {
    let has = |text: &[u8]| document.windows(text.len()).any(|it| it == text);
    has(b"\"NaN\"") || has(b"Infinity\"")
}

/// Puts texts in the place of stand-ins.
pub(super) fn to_texts(document: &mut Value) {
    change(document, &|it| {
        let number = it.as_f64()?;
        let found = STAND_INS
            .iter()
            .find(|(_, stand_in)| is_same(*stand_in, number));
        found.map(|(real, _)| double(*real))
    });
}

/// The opposite.
pub(super) fn of_texts(document: &mut Value) {
    change(document, &|it| {
        let text = it.as_str()?;
        let found = STAND_INS.iter().find(|(real, _)| double(*real) == *text);
        found.map(|(_, stand_in)| json!(stand_in))
    });
}

fn change(document: &mut Value, by: &impl Fn(&Value) -> Option<Value>) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(|it| change(it, by)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_double = FIELDS.contains(&name.as_str());
                match value {
                    Value::Array(items) if is_double => {
                        for item in items {
                            *item = by(item).unwrap_or(item.take());
                        }
                    }
                    Value::Array(_) | Value::Object(_) => change(value, by),
                    _ if is_double => *value = by(value).unwrap_or(value.take()),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

type Visit<'a> = &'a mut dyn FnMut(&mut f64);

/// A message with doubles in it.
pub(super) trait Doubles {
    fn each(&mut self, visit: Visit<'_>);
}

impl<M: Doubles> Doubles for Option<M> {
    fn each(&mut self, visit: Visit<'_>) {
        if let Some(message) = self {
            message.each(visit);
        }
    }
}

impl<M: Doubles> Doubles for Vec<M> {
    fn each(&mut self, visit: Visit<'_>) {
        for message in self {
            message.each(visit);
        }
    }
}

impl Doubles for f64 {
    fn each(&mut self, visit: Visit<'_>) {
        visit(self);
    }
}

impl Doubles for AnyValue {
    fn each(&mut self, visit: Visit<'_>) {
        match &mut self.value {
            Some(Any::DoubleValue(number)) => visit(number),
            Some(Any::ArrayValue(array)) => array.values.each(visit),
            Some(Any::KvlistValue(list)) => list.values.each(visit),
            _ => {}
        }
    }
}

impl Doubles for KeyValue {
    fn each(&mut self, visit: Visit<'_>) {
        self.value.each(visit);
    }
}

impl Doubles for Resource {
    fn each(&mut self, visit: Visit<'_>) {
        self.attributes.each(visit);
    }
}

impl Doubles for InstrumentationScope {
    fn each(&mut self, visit: Visit<'_>) {
        self.attributes.each(visit);
    }
}

impl Doubles for ExportTraceServiceRequest {
    fn each(&mut self, visit: Visit<'_>) {
        for group in &mut self.resource_spans {
            group.resource.each(visit);
            for group in &mut group.scope_spans {
                group.scope.each(visit);
                for span in &mut group.spans {
                    span.attributes.each(visit);
                    for event in &mut span.events {
                        event.attributes.each(visit);
                    }
                    for link in &mut span.links {
                        link.attributes.each(visit);
                    }
                }
            }
        }
    }
}

impl Doubles for ExportLogsServiceRequest {
    fn each(&mut self, visit: Visit<'_>) {
        for group in &mut self.resource_logs {
            group.resource.each(visit);
            for group in &mut group.scope_logs {
                group.scope.each(visit);
                for record in &mut group.log_records {
                    record.body.each(visit);
                    record.attributes.each(visit);
                }
            }
        }
    }
}

impl Doubles for ExportMetricsServiceRequest {
    fn each(&mut self, visit: Visit<'_>) {
        for group in &mut self.resource_metrics {
            group.resource.each(visit);
            for group in &mut group.scope_metrics {
                group.scope.each(visit);
                for metric in &mut group.metrics {
                    metric.metadata.each(visit);
                    metric.data.each(visit);
                }
            }
        }
    }
}

impl Doubles for Data {
    fn each(&mut self, visit: Visit<'_>) {
        match self {
            Self::Gauge(it) => it.data_points.each(visit),
            Self::Sum(it) => it.data_points.each(visit),
            Self::Histogram(it) => {
                for point in &mut it.data_points {
                    point.attributes.each(visit);
                    point.exemplars.each(visit);
                    point.explicit_bounds.each(visit);
                    for number in [&mut point.sum, &mut point.min, &mut point.max] {
                        number.each(visit);
                    }
                }
            }
            Self::ExponentialHistogram(it) => {
                for point in &mut it.data_points {
                    point.attributes.each(visit);
                    point.exemplars.each(visit);
                    point.zero_threshold.each(visit);
                    for number in [&mut point.sum, &mut point.min, &mut point.max] {
                        number.each(visit);
                    }
                }
            }
            // Values at quantiles are read and written right.
            Self::Summary(it) => {
                for point in &mut it.data_points {
                    point.attributes.each(visit);
                    point.sum.each(visit);
                }
            }
        }
    }
}

impl Doubles for NumberDataPoint {
    fn each(&mut self, visit: Visit<'_>) {
        self.attributes.each(visit);
        self.exemplars.each(visit);
        if let Some(number_data_point::Value::AsDouble(number)) = &mut self.value {
            visit(number);
        }
    }
}

impl Doubles for Exemplar {
    fn each(&mut self, visit: Visit<'_>) {
        self.filtered_attributes.each(visit);
        if let Some(exemplar::Value::AsDouble(number)) = &mut self.value {
            visit(number);
        }
    }
}
