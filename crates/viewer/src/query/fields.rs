//! The fields that a query can ask for, and what their values are.

use crate::otlp::Signal;
use crate::store::columns::Place;

/// Words of the language, which are free text only in quotes.
pub(crate) const WORDS: [&str; 3] = ["and", "or", "not"];

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field {
    Service,
    Name,
    Kind,
    Status,
    StatusMessage,
    Duration,
    Trace,
    Span,
    Parent,
    Severity,
    Body,
    Scope,
    Unit,
    /// The attribute of this name is there.
    Has,
    /// An attribute, in one of these places.
    Attribute(&'static [Place], String),
    /// Of the trace that a span is part of.
    RootName,
    RootService,
    TraceSpans,
    TraceErrors,
    TraceDuration,
    TraceService,
    Pinned,
    Complete,
}

impl Field {
    pub(crate) fn is_of_trace(&self) -> bool {
        matches!(
            self,
            Self::RootName
                | Self::RootService
                | Self::TraceSpans
                | Self::TraceErrors
                | Self::TraceDuration
                | Self::TraceService
                | Self::Pinned
                | Self::Complete
        )
    }
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FieldKind {
    Text,
    Number,
    Duration,
    /// One of these, in their order.
    Word(&'static [&'static str]),
}

pub(crate) const KINDS: &[&str] = &[
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];
pub(crate) const STATUSES: &[&str] = &["unset", "ok", "error"];
pub(crate) const SEVERITIES: &[&str] = &[
    "unspecified",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "fatal",
];
pub(crate) const METRIC_KINDS: &[&str] = &[
    "gauge",
    "counter",
    "up_down_counter",
    "histogram",
    "exponential_histogram",
    "summary",
];
const FLAGS: &[&str] = &["false", "true"];

const RECORDS: &[Signal] = &[Signal::Traces, Signal::Logs];
const TRACES: &[Signal] = &[Signal::Traces];
const LOGS: &[Signal] = &[Signal::Logs];
const METRICS: &[Signal] = &[Signal::Metrics];

type Known = (&'static str, Field, FieldKind, &'static [Signal]);

const FIELDS: &[Known] = &[
    ("service", Field::Service, FieldKind::Text, &Signal::ALL),
    ("name", Field::Name, FieldKind::Text, &Signal::ALL),
    ("kind", Field::Kind, FieldKind::Word(KINDS), TRACES),
    ("kind", Field::Kind, FieldKind::Word(METRIC_KINDS), METRICS),
    ("status", Field::Status, FieldKind::Word(STATUSES), TRACES),
    (
        "status.message",
        Field::StatusMessage,
        FieldKind::Text,
        TRACES,
    ),
    ("duration", Field::Duration, FieldKind::Duration, TRACES),
    ("trace", Field::Trace, FieldKind::Text, RECORDS),
    ("span", Field::Span, FieldKind::Text, RECORDS),
    ("parent", Field::Parent, FieldKind::Text, TRACES),
    (
        "severity",
        Field::Severity,
        FieldKind::Word(SEVERITIES),
        LOGS,
    ),
    ("level", Field::Severity, FieldKind::Word(SEVERITIES), LOGS),
    ("body", Field::Body, FieldKind::Text, LOGS),
    ("event", Field::Name, FieldKind::Text, LOGS),
    ("scope", Field::Scope, FieldKind::Text, &Signal::ALL),
    ("unit", Field::Unit, FieldKind::Text, METRICS),
    ("has", Field::Has, FieldKind::Text, &Signal::ALL),
    ("root", Field::RootName, FieldKind::Text, TRACES),
    ("root.service", Field::RootService, FieldKind::Text, TRACES),
    ("spans", Field::TraceSpans, FieldKind::Number, TRACES),
    ("errors", Field::TraceErrors, FieldKind::Number, TRACES),
    (
        "trace.duration",
        Field::TraceDuration,
        FieldKind::Duration,
        TRACES,
    ),
    ("services", Field::TraceService, FieldKind::Text, TRACES),
    ("pinned", Field::Pinned, FieldKind::Word(FLAGS), TRACES),
    ("complete", Field::Complete, FieldKind::Word(FLAGS), TRACES),
];

/// Names of the fields that records of a signal have besides their attributes.
pub(crate) fn known_fields(signal: Signal) -> impl Iterator<Item = (&'static str, FieldKind)> {
    let of_signal = FIELDS.iter().filter(move |known| known.3.contains(&signal));
    of_signal.map(|(name, _, kind, _)| (*name, *kind))
}

/// What a name stands for: a field, else an attribute.
pub(super) fn resolve(signal: Signal, name: &str) -> (Field, FieldKind) {
    const OWN: &[Place] = &[Place::Own];
    const EVENT: &[Place] = &[Place::Event];
    const RESOURCE: &[Place] = &[Place::Resource];
    const SCOPE: &[Place] = &[Place::Scope];
    const ANY: &[Place] = &[Place::Own, Place::Resource, Place::Scope, Place::Event];
    let known = FIELDS
        .iter()
        .find(|known| known.0 == name && known.3.contains(&signal));
    if let Some((_, field, kind, _)) = known {
        return (field.clone(), *kind);
    }
    let prefixes = [
        ("span.", OWN),
        ("attribute.", OWN),
        ("event.", EVENT),
        ("resource.", RESOURCE),
        ("scope.", SCOPE),
    ];
    let prefixed = prefixes
        .into_iter()
        .find_map(|(prefix, places)| Some((places, name.strip_prefix(prefix)?)));
    let (places, key) = prefixed.unwrap_or((ANY, name));
    (Field::Attribute(places, key.to_owned()), FieldKind::Text)
}
