//! Requests and spans that the tests of several rooms are made of.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use crate::store::Head;
use crate::trace::StoredSpan;

pub(crate) const START: u64 = 1_795_373_951_104_000_000;

pub(crate) fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

pub(crate) fn text(value: &str) -> Value {
    Value::StringValue(value.to_owned())
}

pub(crate) fn resource(service: &str) -> Resource {
    Resource {
        attributes: vec![attribute("service.name", text(service))],
        ..Resource::default()
    }
}

pub(crate) fn head(service: &str) -> Arc<Head> {
    Arc::new(Head::new(&resource(service).encode_to_vec(), b"", b"", b""))
}

/// A span from and to so many nanoseconds after the start.
pub(crate) fn stored_span(service: &str, id: u8, parent: u8, from: u64, to: u64) -> StoredSpan {
    StoredSpan {
        span: Span {
            trace_id: vec![7; 16],
            span_id: vec![id; 8],
            parent_span_id: if parent == 0 {
                Vec::new()
            } else {
                vec![parent; 8]
            },
            name: format!("span {id}"),
            kind: 1,
            start_time_unix_nano: START + from,
            end_time_unix_nano: START + to,
            ..Span::default()
        },
        service: service.into(),
        head: head(service),
    }
}

/// Spans that differ in what a seed decides: five in a trace, some of them failed.
pub(crate) fn span_list(count: u64, seed: u64) -> Vec<Span> {
    (0..count)
        .map(|number| {
            let trace = seed * 1_000_003 + number / 5;
            let mut trace_id = trace.to_be_bytes().to_vec();
            trace_id.extend(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            let id = seed << 32 | (number + 1);
            let is_root = number % 5 == 0;
            Span {
                trace_id,
                span_id: id.to_be_bytes().to_vec(),
                parent_span_id: if is_root {
                    Vec::new()
                } else {
                    (seed << 32 | (number / 5 * 5 + 1)).to_be_bytes().to_vec()
                },
                name: if is_root {
                    "GET /".to_owned()
                } else {
                    format!("work {}", number % 5)
                },
                kind: if is_root { 2 } else { 1 },
                start_time_unix_nano: START + number * 1_000_000 + number % 5,
                end_time_unix_nano: START + number * 1_000_000 + 500_000 + number % 97 * 1_000,
                attributes: vec![
                    attribute(
                        "http.route",
                        text(if number % 3 == 0 { "/a" } else { "/b" }),
                    ),
                    attribute("number", Value::IntValue(number as i64)),
                ],
                status: (number % 11 == 0).then(|| Status {
                    code: 2,
                    message: format!("refused {number}"),
                }),
                ..Span::default()
            }
        })
        .collect()
}

pub(crate) fn span_request(service: &str, spans: Vec<Span>) -> Vec<u8> {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource(service)),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "tests".to_owned(),
                    version: "1".to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

/// A request of one service.
pub(crate) fn spans(count: u64, seed: u64) -> Vec<u8> {
    span_request("shop", span_list(count, seed))
}
