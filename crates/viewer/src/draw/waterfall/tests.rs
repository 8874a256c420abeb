//! Whole drawings of small traces, and of traces that nobody would send on purpose.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::*;
use crate::trace::StoredSpan;

const START: u64 = 1_795_373_951_104_000_000;
const PLAIN: Style = Style {
    width: 92,
    colour: false,
    unicode: true,
    details: true,
    all: false,
};

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

/// A span from and to so many microseconds after the start.
fn span(service: &str, id: u8, parent: u8, name: &str, from: u64, to: u64) -> StoredSpan {
    StoredSpan {
        span: Span {
            trace_id: vec![7; 16],
            span_id: vec![id; 8],
            parent_span_id: if parent == 0 {
                Vec::new()
            } else {
                vec![parent; 8]
            },
            name: name.to_owned(),
            kind: SpanKind::Internal as i32,
            start_time_unix_nano: START + from * 1_000,
            end_time_unix_nano: START + to * 1_000,
            ..Span::default()
        },
        service: service.into(),
        head: Arc::default(),
    }
}

fn of_kind(mut stored: StoredSpan, kind: SpanKind) -> StoredSpan {
    stored.span.kind = kind as i32;
    stored
}

fn with_status(mut stored: StoredSpan, code: StatusCode, message: &str) -> StoredSpan {
    stored.span.status = Some(Status {
        code: code as i32,
        message: message.to_owned(),
    });
    stored
}

fn with_attributes(mut stored: StoredSpan, attributes: &[(&str, &str)]) -> StoredSpan {
    stored.span.attributes = attributes
        .iter()
        .map(|(key, value)| attribute(key, value))
        .collect();
    stored
}

fn with_event(
    mut stored: StoredSpan,
    at: u64,
    name: &str,
    attributes: &[(&str, &str)],
) -> StoredSpan {
    stored.span.events.push(Event {
        time_unix_nano: START + at * 1_000,
        name: name.to_owned(),
        attributes: attributes
            .iter()
            .map(|(key, value)| attribute(key, value))
            .collect(),
        ..Event::default()
    });
    stored
}

fn draw(spans: Vec<StoredSpan>, style: &Style) -> String {
    draw_with_logs(spans, &[], style)
}

fn draw_with_logs(spans: Vec<StoredSpan>, logs: &[StoredLog], style: &Style) -> String {
    let trace = Trace { spans };
    let logs: Vec<&StoredLog> = logs.iter().collect();
    render(&[7; 16], &trace, &logs, style)
}

/// A log record of a span, so many microseconds after the start.
fn log(span: u8, at: u64, severity: i32, body: &str, attributes: &[(&str, &str)]) -> StoredLog {
    StoredLog {
        record: LogRecord {
            time_unix_nano: START + at * 1_000,
            severity_number: severity,
            body: attribute("", body).value,
            attributes: attributes
                .iter()
                .map(|(key, value)| attribute(key, value))
                .collect(),
            trace_id: vec![7; 16],
            span_id: vec![span; 8],
            ..LogRecord::default()
        },
        service: "orders".into(),
        head: Arc::default(),
    }
}

/// The rows under the ruler, without bars and durations where they only repeat the times.
fn rows(drawn: &str) -> Vec<&str> {
    drawn
        .lines()
        .skip(5)
        .take_while(|line| !line.is_empty())
        .collect()
}

fn order() -> Vec<StoredSpan> {
    let root = of_kind(
        span("orders", 1, 0, "POST /orders", 0, 48_000),
        SpanKind::Server,
    );
    let root = with_attributes(
        root,
        &[
            ("http.method", "POST"),
            ("http.host", "127.0.0.1"),
            ("http.status_code", "409"),
        ],
    );
    let process = with_attributes(
        span("orders", 2, 1, "process_order", 1_000, 47_000),
        &[("order.id", "o-1042"), ("customer.id", "c-17")],
    );
    let process = with_event(process, 2_000, "order.received", &[("items", "3")]);
    let process = with_event(
        process,
        46_000,
        "exception",
        &[
            ("exception.type", "orders.OutOfStock"),
            ("exception.message", "2 of sku-41 left"),
        ],
    );
    let process = with_status(process, StatusCode::Error, "OutOfStock: 2 of sku-41 left");
    let call = of_kind(
        span("orders", 3, 2, "GET", 10_000, 30_000),
        SpanKind::Client,
    );
    let served = of_kind(
        span("inventory", 4, 3, "GET /stock/<sku>", 12_000, 29_500),
        SpanKind::Server,
    );
    let looked_up = with_status(
        span("inventory", 5, 4, "look_up_stock", 13_000, 29_000),
        StatusCode::Ok,
        "",
    );
    // As received: in no order.
    vec![looked_up, served, process, root, call]
}

#[test]
fn a_trace_across_two_services_reads_from_top_to_bottom() {
    let expected = "
  POST /orders                                        trace 07070707070707070707070707070707
  48.0 ms · 5 spans · ✗ 1 error                                  2026-11-22 18:59:11.104 UTC
  ■ orders 3   ■ inventory 2

                                         0              20 ms           40 ms
  orders ◀ POST /orders                  ██████████████████████████████████████    48.0 ms
  │  http.status_code=409
  └─ • process_order                     ▕◆██████████████████████████████████◆▏    46.0 ms ✗
     │  ✗ OutOfStock: 2 of sku-41 left
     │  order.id=o-1042  customer.id=c-17
     │  ◆ order.received  +1.00 ms  items=3
     └─ ▶ GET                            ┊      ▕███████████████▊       ┊          20.0 ms
        └─ inventory ◀ GET /stock/<sku>  ┊        ▐█████████████▎       ┊          17.5 ms
           └─ • look_up_stock            ┊         ████████████▉        ┊          16.0 ms ✓

  ◀ server  ▶ client  • internal  ◆ event
";
    let drawn = draw(order(), &PLAIN);
    assert_eq!(format!("\n{drawn}"), expected, "\n{drawn}");
}

#[test]
fn a_terminal_without_unicode_gets_ascii_only() {
    let drawn = draw(
        order(),
        &Style {
            unicode: false,
            ..PLAIN
        },
    );
    assert!(drawn.is_ascii(), "{drawn}");
    assert!(
        drawn.contains("   `- . process_order") || drawn.contains("  `- . process_order"),
        "{drawn}"
    );
    assert!(
        drawn.contains("|  x OutOfStock: 2 of sku-41 left"),
        "{drawn}"
    );
}

#[test]
fn colours_do_not_change_what_is_said_or_where() {
    let coloured = draw(
        order(),
        &Style {
            colour: true,
            ..PLAIN
        },
    );
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        bare.push_str(before);
        rest = after.split_once('m').expect("a complete sequence").1;
    }
    bare.push_str(rest);
    let edges = |text: &str| -> Vec<String> {
        let is_block = |character: &char| ('\u{2580}'..='\u{259f}').contains(character);
        text.lines()
            .map(|line| line.chars().filter(|it| !is_block(it)).collect::<String>())
            .collect()
    };
    let words = |lines: Vec<String>| -> Vec<String> {
        lines
            .iter()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    };
    assert_eq!(words(edges(&bare)), words(edges(&draw(order(), &PLAIN))));
    assert_eq!(
        coloured.matches("\x1b[0m").count() * 2,
        coloured.matches("\x1b[").count()
    );
}

#[test]
fn compact_leaves_the_tree_and_what_failed() {
    let drawn = draw(
        order(),
        &Style {
            details: false,
            ..PLAIN
        },
    );
    assert_eq!(rows(&drawn).len(), 6, "{drawn}");
    assert!(drawn.contains("✗ OutOfStock"), "{drawn}");
}

#[test]
fn a_span_whose_parent_never_came_stands_beside_the_root() {
    let drawn = draw(
        vec![
            span("a", 1, 0, "root", 0, 10),
            span("a", 2, 9, "orphan", 3, 5),
        ],
        &PLAIN,
    );
    let rows = rows(&drawn);
    assert!(rows[0].starts_with("  a • root"), "{drawn}");
    assert!(rows[1].starts_with("  a • orphan"), "{drawn}");
    assert_eq!(rows[2], "     ⚠ parent 0909090909090909 was not received");
}

#[test]
fn parents_in_a_cycle_are_all_shown_once() {
    let spans = vec![
        span("a", 1, 3, "one", 0, 10),
        span("a", 2, 1, "two", 1, 9),
        span("a", 3, 2, "three", 2, 8),
        span("a", 4, 4, "own parent", 3, 4),
        span("a", 5, 3, "beside the cycle", 3, 4),
    ];
    let drawn = draw(spans, &PLAIN);
    for name in ["one", "two", "three", "own parent", "beside the cycle"] {
        let lines = rows(&drawn)
            .into_iter()
            .filter(|row| row.contains(&format!("• {name} ")));
        assert_eq!(lines.count(), 1, "{name}\n{drawn}");
    }
    assert_eq!(drawn.matches("form a cycle").count(), 2, "{drawn}");
}

#[test]
fn a_server_that_began_before_its_client_called_is_moved_with_all_below_it() {
    // The clock of b is 20 ms behind: its spans began at 24 and 25 ms.
    let spans = vec![
        span("a", 1, 0, "root", 0, 40_000),
        of_kind(span("a", 2, 1, "call", 22_000, 32_000), SpanKind::Client),
        of_kind(span("b", 3, 2, "serve", 4_000, 10_000), SpanKind::Server),
        span("b", 4, 3, "work", 5_000, 9_000),
    ];
    let forest = Forest::new(&spans);
    let micros: Vec<_> = forest
        .nodes
        .iter()
        .map(|node| {
            (
                (node.start.unwrap() - START) / 1_000,
                (node.end.unwrap() - START) / 1_000,
            )
        })
        .collect();
    assert_eq!(
        micros,
        [
            (0, 40_000),
            (22_000, 32_000),
            (24_000, 30_000),
            (25_000, 29_000)
        ]
    );
    let drawn = draw(spans.clone(), &PLAIN);
    assert!(
        drawn.contains("⚠ the clock of b was put right by +20.0 ms"),
        "{drawn}"
    );

    // A server that finishes after its client is no matter of clocks.
    let mut spans = spans;
    spans[2] = of_kind(span("b", 3, 2, "serve", 23_000, 33_000), SpanKind::Server);
    let forest = Forest::new(&spans);
    assert_eq!(forest.nodes[2].shift, 0);
    assert!(forest.corrections.is_empty());
}

#[test]
fn spans_without_times_say_so() {
    let mut no_end = span("a", 2, 1, "no end", 3, 0);
    no_end.span.end_time_unix_nano = 0;
    let mut no_start = span("a", 3, 1, "no start", 0, 5);
    no_start.span.start_time_unix_nano = 0;
    let backwards = span("a", 4, 1, "backwards", 8, 2);
    let drawn = draw(
        vec![span("a", 1, 0, "root", 0, 10), no_end, no_start, backwards],
        &PLAIN,
    );
    let row = |name: &str| {
        let found = drawn
            .lines()
            .find(|line| line.contains(&format!("• {name}")));
        found
            .unwrap_or_else(|| panic!("{name} is not in\n{drawn}"))
            .to_owned()
    };
    assert!(
        row("no end").ends_with("no end") && row("no end").contains("░"),
        "{drawn}"
    );
    assert!(row("no start").ends_with("no start"), "{drawn}");
    assert!(row("backwards").ends_with("no end"), "{drawn}");
    assert!(row("root").ends_with("10.0 µs"), "{drawn}");
}

#[test]
fn many_alike_become_one_row_unless_all_are_asked_for() {
    let mut spans = vec![span("a", 255, 0, "root", 0, 5_000)];
    for number in 0..2_000_u64 {
        let mut item = span("a", 0, 255, "SELECT item", number, number + 1);
        item.span.span_id = (number + 1).to_be_bytes().to_vec();
        if number == 1_000 {
            item = with_status(item, StatusCode::Error, "timeout");
        }
        spans.push(item);
    }
    spans.push(span("a", 254, 255, "commit", 4_000, 5_000));
    let drawn = draw(spans.clone(), &PLAIN);
    assert_eq!(drawn.matches("• SELECT item").count(), 3);
    assert!(drawn.contains("… 1,997 more SELECT item"), "{drawn}");
    assert!(drawn.contains("✗ 1 of them failed"), "{drawn}");
    assert!(drawn.contains("└─ • commit"), "{drawn}");
    let drawn = draw(spans, &Style { all: true, ..PLAIN });
    assert_eq!(drawn.matches("• SELECT item").count(), 2_000);
}

#[test]
fn a_chain_deeper_than_the_page_is_wide_stays_on_the_page() {
    let spans: Vec<_> = (0..3_000_u64)
        .map(|depth| {
            let mut link = span("a", 0, 0, "link", depth, 6_000 - depth);
            link.span.span_id = (depth + 1).to_be_bytes().to_vec();
            link.span.parent_span_id = depth.to_be_bytes().to_vec();
            link
        })
        .collect();
    let drawn = draw(spans.clone(), &PLAIN);
    assert!(
        drawn.lines().all(|line| text::width(line) <= PLAIN.width),
        "{drawn}"
    );
    assert!(drawn.contains("… and 2,700 spans not shown"), "{drawn}");
    let drawn = draw(spans, &Style { all: true, ..PLAIN });
    assert_eq!(drawn.matches("• link").count(), 3_000);
    assert!(drawn.lines().all(|line| text::width(line) <= PLAIN.width));
}

#[test]
fn names_and_values_cannot_command_the_terminal() {
    let mut hostile = with_attributes(
        span("ev\x1bil", 1, 0, "na\x1b[2Jme\n", 0, 10),
        &[("ke\x1by", "va\x07lue\u{202e}")],
    );
    hostile = with_event(hostile, 5, "eve\x1bnt", &[]);
    hostile = with_status(hostile, StatusCode::Error, "fai\x1b]0;title\x07led");
    let drawn = draw(vec![hostile], &PLAIN);
    let control = drawn
        .chars()
        .find(|it| it.is_control() && *it != '\n' || *it == '\u{202e}');
    assert_eq!(control, None, "{drawn}");
}

#[test]
fn absurd_times_and_widths_are_drawn_without_complaint() {
    let mut spans = order();
    spans[0].span.start_time_unix_nano = 1;
    spans[1].span.end_time_unix_nano = u64::MAX;
    spans[2].span.events[0].time_unix_nano = u64::MAX;
    spans[3].span.kind = 99;
    spans[4].span.start_time_unix_nano = u64::MAX;
    spans[4].span.end_time_unix_nano = u64::MAX;
    for width in [0, 1, 60, 61, 137, 400, usize::MAX] {
        for (unicode, colour) in [(true, true), (false, false)] {
            let style = Style {
                width,
                unicode,
                colour,
                ..PLAIN
            };
            assert!(!draw(spans.clone(), &style).is_empty());
        }
    }
    assert!(draw(Vec::new(), &PLAIN).contains("(no spans)"));
}

/// The log records of `order()`, by time.
fn order_logs() -> Vec<StoredLog> {
    let sku = [
        ("item.sku", "sku-41"),
        ("code.function", "take"),
        ("otelSpanID", "0505050505050505"),
    ];
    let failed = [
        ("exception.type", "orders.OutOfStock"),
        ("exception.message", "2 of sku-41 left"),
        ("exception.stacktrace", "Traceback …"),
    ];
    vec![
        log(2, 1_500, 9, "order received", &[("customer.id", "c-17")]),
        log(5, 14_000, 5, "looking up", &sku),
        log(5, 28_000, 13, "stock is low", &sku),
        log(2, 46_500, 17, "order refused", &failed),
    ]
}

#[test]
fn log_records_stand_at_the_span_they_were_written_in_by_time() {
    let expected = "
  POST /orders                                        trace 07070707070707070707070707070707
  48.0 ms · 5 spans · 4 log records · ✗ 1 error                  2026-11-22 18:59:11.104 UTC
  ■ orders 3   ■ inventory 2

                                         0              20 ms           40 ms
  orders ◀ POST /orders                  ██████████████████████████████████████    48.0 ms
  │  http.status_code=409
  └─ • process_order                     ▕◆██████████████████████████████████◆▏    46.0 ms ✗
     │  ✗ OutOfStock: 2 of sku-41 left
     │  order.id=o-1042  customer.id=c-17
     │  INFO  order received  +500 µs  customer.id=c-17                     0202020202020202
     │  ◆ order.received  +1.00 ms  items=3
     │  ERROR order refused  orders.OutOfStock: 2 of sku-41 left  +45.5 ms  0202020202020202
     └─ ▶ GET                            ┊      ▕███████████████▊       ┊          20.0 ms
        └─ inventory ◀ GET /stock/<sku>  ┊        ▐█████████████▎       ┊          17.5 ms
           └─ • look_up_stock            ┊         ████████████▉        ┊          16.0 ms ✓
                 DEBUG looking up  +1.00 ms  item.sku=sku-41                0505050505050505
                 WARN  stock is low  +15.0 ms  item.sku=sku-41              0505050505050505

  ◀ server  ▶ client  • internal  ◆ event
";
    let drawn = draw_with_logs(order(), &order_logs(), &PLAIN);
    assert_eq!(format!("\n{drawn}"), expected, "\n{drawn}");
}

#[test]
fn log_records_fit_a_narrow_terminal_with_shorter_ids() {
    let style = Style { width: 60, ..PLAIN };
    let drawn = draw_with_logs(order(), &order_logs(), &style);
    assert!(drawn.lines().all(|line| text::width(line) <= 60), "{drawn}");
    let line = drawn.lines().find(|line| line.contains("stock is low"));
    let line = line.expect("the log record");
    assert!(line.ends_with("  05050505"), "{drawn}");
    assert!(line.contains("WARN  stock is low"), "{drawn}");
}

#[test]
fn compact_keeps_the_log_records_of_warnings_and_worse() {
    let style = Style {
        details: false,
        ..PLAIN
    };
    let drawn = draw_with_logs(order(), &order_logs(), &style);
    assert!(drawn.contains("WARN  stock is low"), "{drawn}");
    assert!(drawn.contains("ERROR order refused"), "{drawn}");
    assert!(!drawn.contains("looking up"), "{drawn}");
    assert!(!drawn.contains("not shown"), "{drawn}");
}

#[test]
fn severities_have_inks_of_their_own() {
    let style = Style {
        colour: true,
        ..PLAIN
    };
    let drawn = draw_with_logs(order(), &order_logs(), &style);
    for (ink, label) in [
        (GOOD, "INFO"),
        (DIM, "DEBUG"),
        (CAUTION, "WARN"),
        (BAD, "ERROR"),
    ] {
        assert!(
            drawn.contains(&format!("\x1b[{ink}m{label}")),
            "{label}\n{drawn}"
        );
    }
}

#[test]
fn log_records_without_a_span_or_beyond_the_limit_are_told_of() {
    let mut logs = vec![log(9, 2_000, 9, "from a span that never came", &[])];
    logs.extend((0..30).map(|number| log(5, 14_000 + number, 9, &format!("line {number}"), &[])));
    let drawn = draw_with_logs(order(), &logs, &PLAIN);
    let below = drawn.split("of no span that was received\n").nth(1);
    let first = below.expect("the stray record").lines().next();
    let first = first.expect("a line");
    assert!(
        first
            .trim()
            .starts_with("INFO  from a span that never came  +2.00 ms"),
        "{drawn}"
    );
    assert_eq!(drawn.matches("INFO  line").count(), 20, "{drawn}");
    assert!(drawn.contains("… and 10 log records not shown"), "{drawn}");
    let drawn = draw_with_logs(order(), &logs, &Style { all: true, ..PLAIN });
    assert_eq!(drawn.matches("INFO  line").count(), 30, "{drawn}");
}

#[test]
fn a_log_record_cannot_command_the_terminal_nor_break_its_line() {
    let hostile = [("ke\x1by", "va\x07lue\u{202e}")];
    let mut early = log(2, 0, 99, "one\ntwo\x1b[2J", &hostile);
    early.record.time_unix_nano = 1;
    let empty = StoredLog {
        record: LogRecord {
            span_id: vec![2; 8],
            event_name: "session.start".to_owned(),
            ..LogRecord::default()
        },
        ..early.clone()
    };
    let mut endless = log(2, 0, 9, "long", &[]);
    endless.record.span_id = vec![255; 1_000];
    let drawn = draw_with_logs(order(), &[early, empty, endless], &PLAIN);
    assert!(drawn.lines().all(|line| text::width(line) <= PLAIN.width));
    let control = drawn
        .chars()
        .find(|it| it.is_control() && *it != '\n' || *it == '\u{202e}');
    assert_eq!(control, None, "{drawn}");
    assert!(drawn.contains("FATAL one two·[2J  -"), "{drawn}");
    assert!(drawn.contains("LOG   session.start"), "{drawn}");
}
