//! The lines below a span: what went wrong, the attributes a reader asks for first, events and log
//! records in the order of time, and links. What the instrumentation adds to every span alike is
//! left out.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::Event;

use crate::draw::Style;
use crate::ids::hex;
use crate::text;
use crate::trace::logs::{Severity, StoredLog};
use crate::trace::status_code;
use crate::trace::tree::Node;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Failure,
    Attributes,
    Event,
    Log(Severity),
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// Of a log record: its time and attributes, less important than what it says.
    pub(super) rest: String,
    /// Of a log record: the span it was written in.
    pub(super) span_id: String,
}

const MAX_ATTRIBUTES: usize = 12;
const MAX_EVENTS: usize = 5;
const MAX_LOGS: usize = 20;
const MAX_LINKS: usize = 2;
const MAX_VALUE_WIDTH: usize = 80;

/// Groups of attributes that say where and by what means, seldom what; of these only the ones
/// in `TELLING` are shown. Every other attribute is the application's own and comes first.
const ROUTINE: [&str; 16] = [
    "http.",
    "url.",
    "net.",
    "network.",
    "server.",
    "client.",
    "peer.",
    "user_agent.",
    "thread.",
    "code.",
    "process.",
    "telemetry.",
    "otel.",
    "rpc.",
    "messaging.",
    "db.",
];
/// What Python's logging instrumentation puts on every record beside the ids it has anyway.
const REPEATED: [&str; 4] = [
    "otelTraceID",
    "otelSpanID",
    "otelTraceSampled",
    "otelServiceName",
];
const TELLING: [&str; 21] = [
    "http.response.status_code",
    "http.status_code",
    "http.request.method",
    "http.method",
    "http.route",
    "url.full",
    "http.url",
    "url.path",
    "http.target",
    "db.system.name",
    "db.system",
    "db.namespace",
    "db.name",
    "db.query.text",
    "db.statement",
    "messaging.system",
    "messaging.destination.name",
    "messaging.operation.type",
    "messaging.message.id",
    "rpc.method",
    "rpc.grpc.status_code",
];

/// `logs`: the log records of this span, by time.
pub(super) fn lines(node: &Node<'_>, logs: &[&StoredLog], style: &Style) -> Vec<Line> {
    let span = &node.stored.span;
    let mut lines = Vec::new();
    let failure = failure(span);
    if let Some(failure) = &failure {
        let cross = if style.unicode { "✗" } else { "x" };
        lines.push(line(Kind::Failure, &format!("{cross} {failure}"), style));
    }
    if !style.details {
        let telling = logs.iter().filter(|log| log.severity() >= Severity::Warn);
        let telling: Vec<&StoredLog> = telling.copied().collect();
        lines.extend(self::logs(&telling, span.start_time_unix_nano, style).map(|(_, line)| line));
        return lines;
    }
    let attributes = attributes(span, style);
    if !attributes.is_empty() {
        lines.push(line(Kind::Attributes, &attributes, style));
    }
    let (events, hidden) = events(span, failure.as_deref(), style);
    let mut happened: Vec<(u64, Line)> = events
        .into_iter()
        .chain(self::logs(logs, span.start_time_unix_nano, style))
        .collect();
    happened.sort_by_key(|(time, _)| *time);
    lines.extend(happened.into_iter().map(|(_, line)| line));
    if hidden > 0 {
        let text = format!("{} more", text::counted(hidden, "event"));
        lines.push(line(Kind::Attributes, &text, style));
    }
    for link in span.links.iter().take(MAX_LINKS) {
        let (span, trace) = (hex(&link.span_id), hex(&link.trace_id));
        lines.push(line(
            Kind::Attributes,
            &format!("link to span {span} of trace {trace}"),
            style,
        ));
    }
    if span.links.len() > MAX_LINKS {
        let more = (span.links.len() - MAX_LINKS) as u64;
        lines.push(line(
            Kind::Attributes,
            &format!("{} more", text::counted(more, "link")),
            style,
        ));
    }
    lines
}

fn line(kind: Kind, content: &str, style: &Style) -> Line {
    Line {
        kind,
        text: clean(content, style),
        rest: String::new(),
        span_id: String::new(),
    }
}

fn clean(content: &str, style: &Style) -> String {
    if style.unicode {
        text::clean(content, true)
    } else {
        text::clean(&content.replace('µ', "u"), false)
    }
}

/// The first events, each with its time; and how many more there are. An exception that the
/// span's failure tells already is none of them.
fn events(span: &Span, failure: Option<&str>, style: &Style) -> (Vec<(u64, Line)>, u64) {
    let mut shown = Vec::new();
    let mut hidden = 0;
    for event in &span.events {
        let exception = exception(event);
        if exception.is_some() && says_the_same(exception.as_deref(), failure) {
            continue;
        }
        if shown.len() >= MAX_EVENTS {
            hidden += 1;
            continue;
        }
        let mark = if style.unicode { '◆' } else { '*' };
        let offset = offset(event.time_unix_nano, span.start_time_unix_nano);
        let content = exception.unwrap_or_else(|| pairs(event.attributes.iter(), style));
        let text = format!("{mark} {}  {offset}  {content}", event.name);
        let line = line(Kind::Event, text.trim_end(), style);
        shown.push((event.time_unix_nano, line));
    }
    (shown, hidden)
}

/// The first log records, each with its time. `start`: what their times are counted from.
pub(super) fn logs<'a>(
    logs: &'a [&StoredLog],
    start: u64,
    style: &'a Style,
) -> impl Iterator<Item = (u64, Line)> + 'a {
    let most = if style.all { usize::MAX } else { MAX_LOGS };
    logs.iter().take(most).map(move |log| {
        let record = &log.record;
        let find = |key: &str| {
            let attribute = record.attributes.iter().find(|it| it.key == key)?;
            Some(text::value(attribute.value.as_ref()))
        };
        let mut said = match &record.body {
            Some(body) => text::value(Some(body)),
            None if record.event_name.is_empty() => "(no message)".to_owned(),
            None => record.event_name.clone(),
        };
        if let Some(name) = find("exception.type") {
            let message = find("exception.message").unwrap_or_default();
            if message.is_empty() || !said.contains(&message) {
                said = format!("{said}  {name}: {message}");
            }
        }
        let own = record.attributes.iter().filter(|it| {
            !it.key.starts_with("exception.")
                && !REPEATED.contains(&it.key.as_str())
                && !ROUTINE.iter().any(|group| it.key.starts_with(group))
        });
        let attributes = pairs(own.take(MAX_ATTRIBUTES), style);
        let rest = format!("{}  {attributes}", offset(log.time(), start));
        let line = Line {
            kind: Kind::Log(log.severity()),
            text: clean(&said, style),
            rest: clean(rest.trim_end(), style),
            span_id: hex(&record.span_id),
        };
        (log.time(), line)
    })
}

/// `+1.00 ms`, or with a minus where it was before.
fn offset(time: u64, start: u64) -> String {
    let sign = if time < start { '-' } else { '+' };
    format!("{sign}{}", text::duration(time.abs_diff(start)))
}

/// What a failed span says about it: its status, else the last exception it recorded.
fn failure(span: &Span) -> Option<String> {
    if status_code(span) != StatusCode::Error {
        return None;
    }
    let message = span
        .status
        .as_ref()
        .map(|status| status.message.as_str())
        .unwrap_or_default();
    if message.is_empty() {
        span.events.iter().rev().find_map(exception)
    } else {
        Some(message.to_owned())
    }
}

/// `Type: message` of an exception event.
fn exception(event: &Event) -> Option<String> {
    let find = |key: &str| {
        event
            .attributes
            .iter()
            .find(|attribute| attribute.key == key)
            .map(|attribute| text::value(attribute.value.as_ref()))
    };
    if event.name != "exception" {
        return None;
    }
    Some(match (find("exception.type"), find("exception.message")) {
        (Some(name), Some(message)) if !message.is_empty() => format!("{name}: {message}"),
        (Some(text), _) | (None, Some(text)) => text,
        (None, None) => "(no type)".to_owned(),
    })
}

/// The status often repeats the exception, with the type's module or without.
fn says_the_same(exception: Option<&str>, failure: Option<&str>) -> bool {
    match (exception, failure) {
        (Some(exception), Some(failure)) => {
            exception.ends_with(failure) || failure.ends_with(exception)
        }
        _ => false,
    }
}

fn attributes(span: &Span, style: &Style) -> String {
    let own = span
        .attributes
        .iter()
        .filter(|it| !ROUTINE.iter().any(|group| it.key.starts_with(group)));
    let telling = TELLING
        .iter()
        .filter_map(|key| span.attributes.iter().find(|it| it.key == *key))
        .filter(|it| !is_in_name(span, it));
    pairs(own.chain(telling).take(MAX_ATTRIBUTES), style)
}

/// `GET /orders/<id>` has its method and route in its name already.
fn is_in_name(span: &Span, attribute: &KeyValue) -> bool {
    let repeats = [
        "http.request.method",
        "http.method",
        "http.route",
        "url.path",
        "http.target",
    ];
    repeats.contains(&attribute.key.as_str())
        && span
            .name
            .split(' ')
            .any(|word| word == text::value(attribute.value.as_ref()))
}

fn pairs<'a>(attributes: impl Iterator<Item = &'a KeyValue>, style: &Style) -> String {
    attributes
        .map(|attribute| {
            let value = text::value(attribute.value.as_ref());
            let value = text::shorten(&value, MAX_VALUE_WIDTH, style.unicode);
            format!("{}={value}", attribute.key)
        })
        .collect::<Vec<_>>()
        .join("  ")
}
