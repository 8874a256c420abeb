//! The words for each event. The file is compiled here on its own: a test cannot link the module,
//! which gets Python's functions from the interpreter that loads it.
#![allow(
    clippy::unwrap_used,
    reason = "a failure here is a failure of the test"
)]

#[path = "../src/process/wording.rs"]
mod wording;

use std::sync::Arc;
use std::time::Duration;

use telemetry::diagnostics::event::{Amount, Backlog, Cause, Destination, Event, Loss, Reason};
use telemetry::export::{Protocol, Signal};
use wording::{Level, worded};

const GRPC: &str = "opentelemetry.exporter.otlp.proto.grpc.exporter";
const HTTP_SPANS: &str = "opentelemetry.exporter.otlp.proto.http.trace_exporter";

fn destination(signal: Signal, protocol: Protocol) -> Destination {
    Destination {
        signal,
        protocol,
        endpoint: "http://host:1/v1".to_owned(),
        base: "http://host:1".to_owned(),
        is_local_default: false,
        is_carried: false,
    }
}

fn http() -> Arc<Destination> {
    destination(Signal::Traces, Protocol::HttpProtobuf).into()
}

fn grpc() -> Arc<Destination> {
    destination(Signal::Traces, Protocol::Grpc).into()
}

fn reason(code: &str, text: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        text: text.to_owned(),
    }
}

#[track_caller]
fn assert_worded(event: &Event, level: Level, logger: &str, text: &str) {
    let message = worded(event);
    assert_eq!(
        (message.level, message.logger, message.text.as_str()),
        (level, logger, text)
    );
}

#[test]
fn another_try_is_announced_as_by_the_official_exporters() {
    let wait = Duration::from_millis(1234);
    let event = Event::Retrying {
        to: http(),
        reason: reason("503 Service Unavailable", "busy"),
        wait,
    };
    assert_worded(
        &event,
        Level::Warning,
        HTTP_SPANS,
        "Transient error 503 Service Unavailable (busy) encountered while exporting spans batch to \
         http://host:1/v1, retrying in 1.23s.",
    );
    let event = Event::Retrying {
        to: grpc(),
        reason: reason("StatusCode.UNAVAILABLE", "busy"),
        wait,
    };
    assert_worded(
        &event,
        Level::Warning,
        GRPC,
        "Transient error StatusCode.UNAVAILABLE encountered while exporting traces to \
         http://host:1/v1, retrying in 1.23s. Error details: busy",
    );
}

#[test]
fn a_refusal_is_an_error_with_code_and_details() {
    let event = Event::ExportFailed {
        to: http(),
        reason: reason("401 Unauthorized", "bad key"),
        so_far: Amount::Records(512),
    };
    assert_worded(
        &event,
        Level::Error,
        HTTP_SPANS,
        "Failed to export spans batch to http://host:1/v1: 401 Unauthorized (bad key); 512 spans \
         lost so far",
    );
    let event = Event::ExportFailed {
        to: grpc(),
        reason: reason("StatusCode.INVALID_ARGUMENT", "bad span"),
        so_far: Amount::Exports(1),
    };
    assert_worded(
        &event,
        Level::Error,
        GRPC,
        "Failed to export traces to http://host:1/v1, error code: StatusCode.INVALID_ARGUMENT, \
         error details: bad span; 1 export of spans lost so far",
    );
}

#[test]
fn each_signal_has_its_official_logger_over_http() {
    for (signal, logger) in [
        (Signal::Traces, HTTP_SPANS),
        (
            Signal::Metrics,
            "opentelemetry.exporter.otlp.proto.http.metric_exporter",
        ),
        (
            Signal::Logs,
            "opentelemetry.exporter.otlp.proto.http._log_exporter",
        ),
    ] {
        let to = destination(signal, Protocol::HttpProtobuf).into();
        assert_eq!(worded(&Event::ExporterShutDown { to }).logger, logger);
        let to = destination(signal, Protocol::Grpc).into();
        assert_worded(
            &Event::ExporterShutDown { to },
            Level::Warning,
            GRPC,
            "Exporter already shutdown, ignoring batch",
        );
    }
}

#[test]
fn where_nothing_listens_the_viewer_is_offered_on_this_machine_only() {
    let text = "nothing listens at http://host:1 (connection refused): telemetry is kept as far as \
                there is room, and sent when something does";
    let event = Event::NobodyListens { to: http() };
    assert_worded(&event, Level::Warning, HTTP_SPANS, text);
    let to = Destination {
        is_local_default: true,
        ..destination(Signal::Traces, Protocol::HttpProtobuf)
    };
    let hint = "; `oxitel-viewer receive` starts something to look at it with";
    let event = Event::NobodyListens { to: to.into() };
    assert_worded(&event, Level::Warning, HTTP_SPANS, &format!("{text}{hint}"));
}

#[test]
fn the_end_of_an_outage_is_as_loud_as_what_it_ends() {
    let recovered = |was_said, backlog| Event::Recovered {
        to: http(),
        outage: Duration::from_millis(2150),
        was_said,
        backlog,
    };
    let backlog = |dropped| {
        Some(Backlog {
            waiting: 190,
            dropped,
        })
    };
    let quiet = "delivery to http://host:1/v1 works again after 2.1 s: 190 spans are waiting, \
                 0 were dropped because the queue was full";
    assert_worded(
        &recovered(false, backlog(0)),
        Level::Info,
        HTTP_SPANS,
        quiet,
    );
    assert_worded(
        &recovered(true, backlog(0)),
        Level::Warning,
        HTTP_SPANS,
        quiet,
    );
    assert_eq!(worded(&recovered(false, backlog(3))).level, Level::Warning);
    assert_worded(
        &recovered(true, None),
        Level::Warning,
        HTTP_SPANS,
        "delivery to http://host:1/v1 works again after 2.1 s",
    );
}

#[test]
fn what_the_receiver_did_not_take_is_named_with_its_words() {
    let partial = |rejected, message: &str| Event::PartialSuccess {
        to: http(),
        rejected,
        so_far: rejected,
        message: message.to_owned(),
    };
    assert_worded(
        &partial(2, "too old"),
        Level::Warning,
        HTTP_SPANS,
        "http://host:1/v1 rejected 2 spans: too old",
    );
    let again = Event::PartialSuccess {
        to: http(),
        rejected: 5,
        so_far: 1320,
        message: "too old".to_owned(),
    };
    assert_worded(
        &again,
        Level::Warning,
        HTTP_SPANS,
        "http://host:1/v1 rejected 5 spans (1320 so far): too old",
    );
    assert_worded(
        &partial(0, "please upgrade"),
        Level::Warning,
        HTTP_SPANS,
        "http://host:1/v1 accepted spans with a warning: please upgrade",
    );
    let event = Event::RecordTooLarge {
        to: http(),
        bytes: 2000,
        reason: reason("413 Payload Too Large", ""),
        so_far: Amount::Records(1),
    };
    assert_worded(
        &event,
        Level::Error,
        HTTP_SPANS,
        "one of the spans was dropped: its 2000 bytes are too large for http://host:1/v1: \
         413 Payload Too Large; 1 span lost so far",
    );
}

#[test]
fn what_was_not_delivered_is_said_with_number_place_and_reason() {
    let said = |made, losses: Vec<(Cause, u64)>, text: &str| {
        let to = grpc();
        let event = Event::Undelivered { to, made, losses };
        assert_worded(&event, Level::Warning, GRPC, text);
    };
    let unsent = |reason: &str, count| (Cause::Unsent(reason.to_owned()), count);
    said(
        Amount::Records(15),
        vec![unsent("no answer in time", 15)],
        "15 spans were not delivered to http://host:1/v1: no answer in time",
    );
    said(
        Amount::Records(1),
        vec![unsent("", 1)],
        "1 span was not delivered to http://host:1/v1: the time for shutting down was over",
    );
    said(
        Amount::Records(20),
        vec![(Cause::QueueFull, 1)],
        "1 of 20 spans was not delivered to http://host:1/v1: the queue was full",
    );
    said(
        Amount::Exports(9),
        vec![(Cause::Refused("401 Unauthorized".to_owned()), 2)],
        "2 of 9 exports of spans were not delivered to http://host:1/v1: refused, 401 Unauthorized",
    );
    let all = vec![
        (Cause::QueueFull, 7),
        (Cause::Rejected, 6),
        unsent("", 5),
        (Cause::GoneFromBuffer, 4),
        (Cause::Withheld, 3),
        (Cause::AfterShutdown, 2),
    ];
    said(
        Amount::Records(100),
        all,
        "27 of 100 spans were not delivered to http://host:1/v1: the queue was full (7); rejected \
         by the receiver (6); the time for shutting down was over (5); gone from the buffer (4); a \
         processor or the encoder failed (3); made after shutdown (2)",
    );
}

#[test]
fn losses_to_one_place_are_one_sentence() {
    let loss = |lost, signal| Loss {
        to: destination(signal, Protocol::HttpProtobuf).into(),
        lost,
        reason: "connection refused".to_owned(),
    };
    let all = [
        loss(Amount::Records(25), Signal::Traces),
        loss(Amount::Exports(3), Signal::Metrics),
        loss(Amount::Records(2), Signal::Logs),
    ];
    for (count, what) in [
        (1, "25 spans"),
        (2, "25 spans and 3 exports of metrics"),
        (3, "25 spans, 3 exports of metrics and 2 logs"),
    ] {
        let losses = all.iter().take(count).cloned().collect();
        assert_worded(
            &Event::NeverDelivered { losses },
            Level::Warning,
            HTTP_SPANS,
            &format!("{what} were not delivered to http://host:1: connection refused"),
        );
    }
}

#[test]
fn several_queues_of_a_signal_are_one_number_and_one_is_no_plural() {
    let loss = |lost, signal| Loss {
        to: destination(signal, Protocol::HttpProtobuf).into(),
        lost,
        reason: "connection refused".to_owned(),
    };
    let said = |losses, what: &str| {
        assert_worded(
            &Event::NeverDelivered { losses },
            Level::Warning,
            HTTP_SPANS,
            &format!("{what} not delivered to http://host:1: connection refused"),
        );
    };
    let one = loss(Amount::Records(1), Signal::Traces);
    said(vec![one.clone()], "1 span was");
    said(
        vec![
            one.clone(),
            one.clone(),
            one,
            loss(Amount::Records(2), Signal::Traces),
        ],
        "5 spans were",
    );
    let exports = loss(Amount::Exports(2), Signal::Metrics);
    let span = loss(Amount::Records(1), Signal::Traces);
    said(
        vec![span, exports.clone(), exports],
        "1 span and 4 exports of metrics were",
    );
}

#[test]
fn queues_and_metrics_speak_as_the_official_ones() {
    let batch = "opentelemetry.sdk._shared_internal";
    for (signal, record) in [
        (Signal::Traces, "Span"),
        (Signal::Metrics, "Metric"),
        (Signal::Logs, "Log"),
    ] {
        let full = Event::QueueFull { signal };
        let text = format!("Queue full, dropping {record}.");
        assert_worded(&full, Level::Warning, batch, &text);
        let late = Event::QueueShutDown { signal };
        let text = format!("Shutdown called, ignoring {record}.");
        assert_worded(&late, Level::Info, batch, &text);
        let large = Event::NoMemory { signal, bytes: 7 };
        let text = format!("{record} of 7 bytes is dropped: there is no memory for it.");
        assert_worded(&large, Level::Error, batch, &text);
    }
    assert_worded(
        &Event::NoThread {
            error: "no memory".to_owned(),
        },
        Level::Error,
        batch,
        "the export thread cannot be started: no memory",
    );
    let metrics = "opentelemetry.sdk.metrics._internal";
    let limit = |greediest| Event::CardinalityLimit {
        metric: "requests".into(),
        limit: 3,
        greediest,
    };
    let text = "Metric requests has reached its limit of 3 attribute sets. Measurements with others \
                are added up in one series with the attribute otel.metric.overflow.";
    assert_worded(&limit(None), Level::Warning, metrics, text);
    assert_worded(
        &limit(Some(("user".to_owned(), 3))),
        Level::Warning,
        metrics,
        &format!("{text} The attribute with the most values is \"user\": 3."),
    );
    assert_worded(
        &Event::AttributesTooLarge {
            metric: "requests".into(),
        },
        Level::Warning,
        metrics,
        "Metric requests was given attributes of more than a mebibyte. Such measurements are added \
         up in one series with the attribute otel.metric.overflow.",
    );
    assert_worded(
        &Event::SumOutgrown {
            metric: "requests".into(),
        },
        Level::Warning,
        metrics,
        "The sum of metric requests no longer fits a 64-bit integer and goes on as a double.",
    );
}
