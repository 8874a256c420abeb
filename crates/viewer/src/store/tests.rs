//! What is counted, what is kept, and what goes when there is no room.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Status};

use super::*;

fn resource(service: Option<&str>) -> Resource {
    let attribute = service.map(|name| KeyValue {
        key: "service.name".to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(name.to_owned())),
        }),
        ..KeyValue::default()
    });
    Resource {
        attributes: attribute.into_iter().collect(),
        ..Resource::default()
    }
}

fn span(trace: u8, id: u8) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        name: format!("span {id}"),
        ..Span::default()
    }
}

fn request(service: Option<&str>, spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource(service)),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn kept(store: &Store) -> Vec<(u8, usize)> {
    store
        .newest_first()
        .map(|(id, trace)| (id[0], trace.spans.len()))
        .collect()
}

#[test]
fn spans_are_counted_by_service_and_kept_by_trace() {
    let mut store = Store::default();
    let mut failed = span(1, 2);
    failed.status = Some(Status {
        code: StatusCode::Error as i32,
        ..Status::default()
    });
    store.add_spans(request(Some("orders"), vec![span(1, 1), failed]));
    store.add_spans(request(Some("inventory"), vec![span(1, 3), span(2, 4)]));
    store.add_spans(request(None, vec![span(3, 5)]));
    let services: Vec<_> = store
        .totals
        .services
        .iter()
        .map(|(name, it)| (&**name, it.spans, it.errors))
        .collect();
    assert_eq!(
        services,
        [
            ("inventory", 2, 0),
            ("orders", 2, 1),
            (UNKNOWN_SERVICE, 1, 0)
        ]
    );
    assert_eq!(kept(&store), [(3, 1), (2, 1), (1, 3)]);
    assert_eq!(
        (store.totals.traces.requests, store.totals.traces.records),
        (3, 5)
    );
    assert_eq!(store.totals.dropped_spans, 0);
}

#[test]
fn a_span_that_arrives_twice_is_counted_twice_and_kept_once() {
    let mut store = Store::default();
    store.add_spans(request(Some("a"), vec![span(1, 1), span(1, 1)]));
    store.add_spans(request(Some("a"), vec![span(1, 1), span(2, 1)]));
    assert_eq!(store.totals.traces.records, 4);
    assert_eq!(store.totals.duplicate_spans, 2);
    assert_eq!(kept(&store), [(2, 1), (1, 1)]);
}

#[test]
fn spans_without_proper_ids_are_refused_and_counted_apart() {
    let mut store = Store::default();
    let mut short_trace = span(1, 1);
    short_trace.trace_id.pop();
    let mut no_id = span(1, 1);
    no_id.span_id.clear();
    assert_eq!(
        store.add_spans(request(Some("a"), vec![short_trace, span(1, 2), no_id])),
        2
    );
    assert_eq!(
        (store.totals.invalid_spans, store.totals.traces.records),
        (2, 1)
    );
    assert_eq!(kept(&store), [(1, 1)]);
}

#[test]
fn when_it_is_full_the_oldest_traces_go_and_the_counts_stay() {
    let mut store = Store::new(Limits {
        spans: 4,
        ..Limits::default()
    });
    for trace in 1..=5 {
        store.add_spans(request(Some("a"), vec![span(trace, 1), span(trace, 2)]));
    }
    assert_eq!(kept(&store), [(5, 2), (4, 2)]);
    assert_eq!(
        (store.totals.traces.records, store.totals.dropped_spans),
        (10, 6)
    );
    assert_eq!((store.span_count(), store.trace_count()), (4, 2));

    let mut store = Store::new(Limits {
        bytes: 100,
        ..Limits::default()
    });
    for id in 1..=50 {
        store.add_spans(request(Some("a"), vec![span(id, 1)]));
    }
    assert!(
        store.bytes <= 100 && store.trace_count() >= 1,
        "{} bytes",
        store.bytes
    );
}

#[test]
fn one_endless_trace_does_not_push_out_the_others() {
    let mut store = Store::new(Limits {
        spans_per_trace: 3,
        ..Limits::default()
    });
    store.add_spans(request(Some("a"), vec![span(1, 1)]));
    store.add_spans(request(Some("a"), (1..=10).map(|id| span(2, id)).collect()));
    assert_eq!(kept(&store), [(2, 3), (1, 1)]);
    assert_eq!(
        store.trace(&[2; 16]).map(|(_, trace)| trace.left_out),
        Some(7)
    );
    assert_eq!(store.totals.dropped_spans, 7);
}

#[test]
fn endless_service_names_are_counted_together() {
    let mut store = Store::new(Limits {
        services: 2,
        ..Limits::default()
    });
    for name in ["a", "b", "c", "d", "a"] {
        store.add_spans(request(Some(name), vec![span(1, 1)]));
    }
    let services: Vec<_> = store
        .totals
        .services
        .iter()
        .map(|(name, it)| (&**name, it.spans))
        .collect();
    assert_eq!(services, [(OTHER_SERVICES, 2), ("a", 2), ("b", 1)]);
}

fn log_request(service: &str, records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource(Some(service))),
            scope_logs: vec![ScopeLogs {
                log_records: records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

#[test]
fn log_records_are_counted_by_service_and_the_oldest_make_room() {
    let mut store = Store::new(Limits {
        log_records: 3,
        ..Limits::default()
    });
    let record = |trace: u8| LogRecord {
        trace_id: vec![trace; 16],
        ..LogRecord::default()
    };
    store.add_logs(log_request("orders", vec![record(1), record(2)]));
    store.add_logs(log_request("inventory", vec![record(1), record(1)]));
    let counts = |name: &str| store.totals.services[name].log_records;
    assert_eq!((counts("orders"), counts("inventory")), (2, 2));
    assert_eq!(
        (store.totals.logs.records, store.totals.logs.requests),
        (4, 2)
    );
    assert_eq!((store.logs.len(), store.totals.dropped_log_records), (3, 1));
    assert_eq!(store.logs.of_trace(&[1; 16]).len(), 2);
}

#[test]
fn data_points_are_counted_by_service_whether_they_are_kept_or_not() {
    let mut store = Store::new(Limits {
        series: 2,
        ..Limits::default()
    });
    let point = |cpu: &str| NumberDataPoint {
        attributes: resource(Some(cpu)).attributes,
        value: Some(number_data_point::Value::AsInt(1)),
        ..NumberDataPoint::default()
    };
    let gauge = Gauge {
        data_points: ["0", "1", "2"].map(point).to_vec(),
    };
    store.add_metrics(ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource(Some("orders"))),
            scope_metrics: vec![ScopeMetrics {
                metrics: vec![Metric {
                    name: "use".to_owned(),
                    data: Some(Data::Gauge(gauge)),
                    ..Metric::default()
                }],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    });
    assert_eq!(store.totals.services["orders"].data_points, 3);
    assert_eq!(store.totals.metrics.records, 3);
    assert_eq!(store.totals.dropped_data_points, 1);
    assert_eq!(store.metrics.series_count(), 2);
}
