//! Questions as programs ask them, and who gets no answer.

use http_body_util::{BodyExt, Empty};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::*;

fn store() -> SharedStore {
    let mut store = Store::default();
    for trace in 1..=3_u8 {
        let span = Span {
            trace_id: vec![trace; 16],
            span_id: vec![1; 8],
            name: format!("root {trace}"),
            start_time_unix_nano: 1_000,
            end_time_unix_nano: 1_000 + u64::from(trace % 3) * 10,
            ..Span::default()
        };
        store.add_spans(ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans: vec![ScopeSpans {
                    spans: vec![span],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        });
    }
    let record = |trace: u8, time: u64, severity: i32| LogRecord {
        trace_id: vec![trace; 16],
        span_id: vec![1; 8],
        time_unix_nano: time,
        severity_number: severity,
        ..LogRecord::default()
    };
    store.add_logs(ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![record(2, 1_009, 9), record(2, 1_005, 17), record(9, 1, 13)],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    });
    SharedStore::new(store)
}

fn ask(uri: &str, host: &str, peer: &str) -> (u16, String) {
    let request = Request::builder()
        .uri(uri)
        .header(header::HOST, host)
        .body(Empty::<bytes::Bytes>::new())
        .expect("a request");
    let response = answer(
        &request,
        SocketAddr::new(peer.parse().expect("an address"), 1),
        &store(),
    );
    let status = response.status().as_u16();
    let body = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(response.into_body().collect())
        .expect("a body");
    (
        status,
        String::from_utf8(body.to_bytes().to_vec()).expect("text"),
    )
}

fn ask_locally(uri: &str) -> (u16, String) {
    ask(uri, "127.0.0.1:4318", "127.0.0.1")
}

#[test]
fn the_totals_are_json() {
    let (status, body) = ask_locally("/api/totals");
    let totals: Value = serde_json::from_str(&body).expect("json");
    assert_eq!(status, 200);
    assert_eq!(totals["traces"]["records"], 3);
    assert_eq!(totals["services"]["unknown_service"]["spans"], 3);
}

#[test]
fn traces_are_listed_newest_first_and_chosen_by_what_is_in_them() {
    let roots = |uri: &str| -> Vec<String> {
        let (_, body) = ask_locally(uri);
        let answer: Value = serde_json::from_str(&body).expect("json");
        let traces = answer["traces"].as_array().expect("a list").clone();
        traces
            .iter()
            .map(|it| it["root"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(roots("/api/traces"), ["root 3", "root 2", "root 1"]);
    assert_eq!(roots("/api/traces?limit=1"), ["root 3"]);
    assert_eq!(roots("/api/traces?name=root%202"), ["root 2"]);
    assert_eq!(roots("/api/traces?errors=1"), [""; 0]);
    assert_eq!(
        roots("/api/traces?service=unknown_service&service=b"),
        [""; 0]
    );
}

#[test]
fn a_trace_is_found_by_its_id_or_by_what_it_is() {
    let title = |id: &str| {
        let (status, body) = ask_locally(&format!("/api/waterfall?trace={id}"));
        (
            status,
            body.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    assert_eq!(title("latest"), (200, "root 3".to_owned()));
    assert_eq!(title("slowest"), (200, "root 2".to_owned()));
    assert_eq!(
        title("01010101010101010101010101010101"),
        (200, "root 1".to_owned())
    );
    assert_eq!(title("0202").1, "root 2");
    assert_eq!(title("0909").0, 404);
    assert_eq!(title("020").0, 400);
    assert_eq!(title("failed").0, 404);
    assert_eq!(title("09090909090909090909090909090909").0, 404);
    assert_eq!(title("nonsense").0, 400);
    let (_, body) = ask_locally("/api/trace?trace=02020202020202020202020202020202");
    let trace: Value = serde_json::from_str(&body).expect("json");
    assert_eq!(trace["spans"][0]["name"], "root 2");
}

#[test]
fn only_programs_of_this_machine_are_answered() {
    assert_eq!(ask("/api/totals", "[::1]:4318", "::1").0, 200);
    assert_eq!(ask("/api/totals", "localhost", "::ffff:127.0.0.1").0, 200);
    assert_eq!(ask("/api/totals", "127.0.0.1:4318", "192.168.1.5").0, 403);
    assert_eq!(
        ask("/api/totals", "rebound.example:4318", "127.0.0.1").0,
        403
    );
    assert_eq!(ask("/api/nothing", "localhost", "127.0.0.1").0, 404);
}

#[test]
fn log_records_are_chosen_by_trace_service_and_severity() {
    let times = |uri: &str| -> Vec<u64> {
        let (status, body) = ask_locally(uri);
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).expect("json");
        let records = answer["records"].as_array().expect("a list").clone();
        records
            .iter()
            .map(|it| it["time_unix_nanos"].as_u64().expect("a time"))
            .collect()
    };
    assert_eq!(times("/api/logs"), [1, 1_005, 1_009]);
    assert_eq!(times("/api/logs?limit=1"), [1]);
    assert_eq!(times("/api/logs?trace=0202"), [1_005, 1_009]);
    assert_eq!(times("/api/logs?trace=0202&severity=warn"), [1_005]);
    assert_eq!(times("/api/logs?severity=WARN"), [1, 1_005]);
    assert_eq!(times("/api/logs?service=shop"), [0; 0]);
    // Its spans were never received.
    assert_eq!(
        times("/api/logs?trace=09090909090909090909090909090909"),
        [1]
    );
    assert_eq!(ask_locally("/api/logs?trace=0909").0, 404);
    assert_eq!(ask_locally("/api/logs?severity=loud").0, 400);
    let (_, drawn) = ask_locally("/api/waterfall?trace=0202");
    assert!(drawn.contains("2 log records"), "{drawn}");
    assert!(drawn.contains("ERROR (no message)"), "{drawn}");
}

#[test]
fn without_metrics_the_answers_say_so() {
    assert_eq!(ask_locally("/api/metrics").1, r#"{"metrics":[]}"#);
    let (status, drawn) = ask_locally("/api/metrics-table");
    assert_eq!((status, drawn.trim()), (200, "no metrics were received"));
}
