//! The lines below a span: what went wrong, the attributes a reader asks for first, events and
//! links. What the instrumentation adds to every span alike is left out.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::Event;

use super::Style;
use super::tree::Node;
use crate::store::status_code;
use crate::text;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Failure,
    Attributes,
    Event,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) kind: Kind,
    pub(super) text: String,
}

const MAX_ATTRIBUTES: usize = 12;
const MAX_EVENTS: usize = 5;
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

pub(super) fn lines(node: &Node<'_>, style: &Style) -> Vec<Line> {
    let span = &node.stored.span;
    let mut lines = Vec::new();
    let failure = failure(span);
    if let Some(failure) = &failure {
        let cross = if style.unicode { "✗" } else { "x" };
        lines.push(line(Kind::Failure, &format!("{cross} {failure}"), style));
    }
    if !style.details {
        return lines;
    }
    let attributes = attributes(span, style);
    if !attributes.is_empty() {
        lines.push(line(Kind::Attributes, &attributes, style));
    }
    let mut hidden = 0;
    for event in &span.events {
        let exception = exception(event);
        if exception.is_some() && says_the_same(exception.as_deref(), failure.as_deref()) {
            continue;
        }
        if lines.iter().filter(|line| line.kind == Kind::Event).count() >= MAX_EVENTS {
            hidden += 1;
            continue;
        }
        let mark = if style.unicode { '◆' } else { '*' };
        let time = span.start_time_unix_nano;
        let offset = text::duration(event.time_unix_nano.saturating_sub(time));
        let content = exception.unwrap_or_else(|| pairs(event.attributes.iter(), style));
        let text = format!("{mark} {}  +{offset}  {content}", event.name);
        lines.push(line(Kind::Event, text.trim_end(), style));
    }
    if hidden > 0 {
        let text = format!("{} more", text::counted(hidden, "event"));
        lines.push(line(Kind::Attributes, &text, style));
    }
    for link in span.links.iter().take(MAX_LINKS) {
        let (span, trace) = (text::hex(&link.span_id), text::hex(&link.trace_id));
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
    let content = if style.unicode {
        content.to_owned()
    } else {
        content.replace('µ', "u")
    };
    Line {
        kind,
        text: text::clean(&content, style.unicode),
    }
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
