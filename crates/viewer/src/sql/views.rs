//! What can be read with SQL: the views, their columns, and how their rows are made of blocks.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use rusqlite::types::Value;
use serde_json::Map;

use crate::health;
use crate::ids::{hex, span_text};
use crate::otlp::Signal;
use crate::otlp::value::{parts, plain};
use crate::query::{Expression, KINDS, METRIC_KINDS, STATUSES};
use crate::search::services::services;
use crate::search::summary::TraceIndex;
use crate::search::{Question, Window, metric_kind};
use crate::store::columns::{BODY, Columns, ENDLESS, STATUS_MESSAGE};
use crate::store::{Block, Store};
use crate::trace::logs::Severity;

type Row = Vec<Value>;
/// Name, type, meaning.
type Column = (&'static str, &'static str, &'static str);

pub(crate) struct View {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    /// Whose blocks it is made of; `None` for one that is made at once.
    pub(super) signal: Option<Signal>,
    /// The rows of a block, with the columns that are used: a bit for each.
    pub(super) rows: fn(&Store, &Block, u32) -> Vec<Row>,
    pub(super) all: fn(&Store) -> Vec<Row>,
}

impl View {
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|it| it.0 == name)
    }
}

const fn of(
    name: &'static str,
    signal: Signal,
    columns: &'static [Column],
    rows: fn(&Store, &Block, u32) -> Vec<Row>,
) -> View {
    View {
        name,
        columns,
        signal: Some(signal),
        rows,
        all: |_| Vec::new(),
    }
}

const fn whole(
    name: &'static str,
    columns: &'static [Column],
    all: fn(&Store) -> Vec<Row>,
) -> View {
    View {
        name,
        columns,
        signal: None,
        rows: |_, _, _| Vec::new(),
        all,
    }
}

const NANOS: &str = "nanoseconds since the epoch";

pub(crate) const VIEWS: &[View] = &[
    of(
        "spans",
        Signal::Traces,
        &[
            ("trace_id", "TEXT", "32 hexadecimal digits"),
            ("span_id", "TEXT", "16 hexadecimal digits"),
            ("parent_span_id", "TEXT", "NULL for a root"),
            ("service", "TEXT", ""),
            ("name", "TEXT", ""),
            (
                "kind",
                "TEXT",
                "internal, server, client, producer, consumer, unspecified",
            ),
            ("start_ns", "INTEGER", NANOS),
            ("end_ns", "INTEGER", "NULL without an end"),
            ("duration_ns", "INTEGER", "NULL without an end"),
            ("status", "TEXT", "unset, ok, error"),
            ("status_message", "TEXT", ""),
            ("scope", "TEXT", "name of the instrumentation scope"),
            ("scope_version", "TEXT", ""),
            ("attributes", "TEXT", "JSON, for json_extract and ->>"),
            ("resource", "TEXT", "attributes of the resource, JSON"),
        ],
        spans,
    ),
    of(
        "span_attributes",
        Signal::Traces,
        &[
            ("trace_id", "TEXT", ""),
            ("span_id", "TEXT", ""),
            ("service", "TEXT", ""),
            ("key", "TEXT", ""),
            (
                "type",
                "TEXT",
                "string, int, double, bool, bytes, array, map",
            ),
            ("value", "", "with the type it has"),
        ],
        span_attributes,
    ),
    of(
        "events",
        Signal::Traces,
        &[
            ("trace_id", "TEXT", ""),
            ("span_id", "TEXT", ""),
            ("service", "TEXT", ""),
            ("name", "TEXT", ""),
            ("time_ns", "INTEGER", NANOS),
            ("attributes", "TEXT", "JSON"),
        ],
        events,
    ),
    of(
        "links",
        Signal::Traces,
        &[
            ("trace_id", "TEXT", ""),
            ("span_id", "TEXT", ""),
            ("to_trace_id", "TEXT", ""),
            ("to_span_id", "TEXT", ""),
            ("attributes", "TEXT", "JSON"),
        ],
        links,
    ),
    of(
        "logs",
        Signal::Logs,
        &[
            ("time_ns", "INTEGER", NANOS),
            ("service", "TEXT", ""),
            (
                "severity",
                "TEXT",
                "trace, debug, info, warn, error, fatal, unspecified",
            ),
            ("severity_number", "INTEGER", "1 to 24"),
            ("body", "TEXT", "at most its first 1,024 bytes"),
            ("trace_id", "TEXT", "NULL outside of a trace"),
            ("span_id", "TEXT", ""),
            ("event_name", "TEXT", ""),
            ("scope", "TEXT", ""),
            ("attributes", "TEXT", "JSON"),
        ],
        logs,
    ),
    of(
        "metrics",
        Signal::Metrics,
        &[
            ("service", "TEXT", ""),
            ("name", "TEXT", ""),
            (
                "kind",
                "TEXT",
                "counter, up_down_counter, gauge, histogram, exponential_histogram, summary",
            ),
            ("unit", "TEXT", ""),
            ("temporality", "TEXT", "delta, cumulative"),
            ("time_ns", "INTEGER", "of the latest point of this export"),
            ("points", "INTEGER", "in this export"),
            ("scope", "TEXT", ""),
        ],
        metrics,
    ),
    whole(
        "traces",
        &[
            ("trace_id", "TEXT", ""),
            ("root_name", "TEXT", ""),
            ("root_service", "TEXT", ""),
            ("start_ns", "INTEGER", NANOS),
            ("duration_ns", "INTEGER", ""),
            ("spans", "INTEGER", ""),
            ("errors", "INTEGER", ""),
            ("services", "TEXT", "names with commas"),
            ("complete", "INTEGER", "1 if its root is here"),
            ("pinned", "INTEGER", ""),
        ],
        traces,
    ),
    whole(
        "operations",
        &[
            ("service", "TEXT", ""),
            ("name", "TEXT", ""),
            ("kind", "TEXT", ""),
            ("calls", "INTEGER", ""),
            ("errors", "INTEGER", ""),
            ("p50_ns", "INTEGER", ""),
            ("p95_ns", "INTEGER", ""),
            ("p99_ns", "INTEGER", ""),
        ],
        operations,
    ),
    whole(
        "edges",
        &[
            ("from_service", "TEXT", ""),
            ("to_service", "TEXT", ""),
            ("kind", "TEXT", "call, message, database"),
            ("calls", "INTEGER", ""),
            ("errors", "INTEGER", ""),
            ("p50_ns", "INTEGER", ""),
            ("p95_ns", "INTEGER", ""),
        ],
        edges,
    ),
    whole(
        "findings",
        &[
            ("rule", "TEXT", ""),
            ("severity", "TEXT", ""),
            ("service", "TEXT", ""),
            ("count", "INTEGER", ""),
            ("text", "TEXT", ""),
            ("advice", "TEXT", ""),
            ("example_trace_id", "TEXT", ""),
        ],
        findings,
    ),
    whole(
        "drops",
        &[
            ("service", "TEXT", ""),
            ("signal", "TEXT", ""),
            ("reason", "TEXT", "room, age, cleared"),
            ("count", "INTEGER", ""),
        ],
        drops,
    ),
];

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn optional(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::Text)
}

/// Makes the columns that are used, each by itself.
fn made(used: u32, columns: usize, make: impl Fn(usize) -> Value) -> Row {
    (0..columns)
        .map(|column| {
            if used >> column & 1 == 1 {
                make(column)
            } else {
                Value::Null
            }
        })
        .collect()
}

/// Attributes among some pairs, as an object of JSON.
fn object(columns: &Columns, pairs: &[u32], letter: char) -> Value {
    let mut fields = Map::new();
    for pair in pairs {
        let key = columns.keys.text(columns.key_of(*pair));
        if let Some(key) = key.strip_prefix(letter) {
            fields.insert(key.to_owned(), bare(&columns.value_of(*pair)));
        }
    }
    Value::Text(serde_json::Value::Object(fields).to_string())
}

/// A value in JSON's own types, where it has them.
fn bare(value: &opentelemetry_proto::tonic::common::v1::AnyValue) -> serde_json::Value {
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    match &value.value {
        Some(Any::IntValue(number)) => (*number).into(),
        Some(Any::ArrayValue(array)) => array.values.iter().map(bare).collect(),
        Some(Any::KvlistValue(list)) => list
            .values
            .iter()
            .map(|it| {
                (
                    it.key.clone(),
                    it.value.as_ref().map_or(serde_json::Value::Null, bare),
                )
            })
            .collect::<Map<_, _>>()
            .into(),
        _ => parts(Some(value)).1,
    }
}

fn of_attributes(list: &[KeyValue]) -> Value {
    let fields: Map<String, serde_json::Value> = list
        .iter()
        .map(|it| {
            (
                it.key.clone(),
                it.value.as_ref().map_or(serde_json::Value::Null, bare),
            )
        })
        .collect();
    Value::Text(serde_json::Value::Object(fields).to_string())
}

fn spans(store: &Store, block: &Block, used: u32) -> Vec<Row> {
    let columns = store.columns(block);
    let message = columns.key(STATUS_MESSAGE);
    let row = |row: usize| {
        made(used, 15, |column| {
            let at = |numbers: &[u64]| numbers.get(row).copied().unwrap_or(0);
            let head = || columns.head(row);
            let duration = || Some(at(&columns.durations)).filter(|it| *it != ENDLESS);
            let word = |words: &[&str], numbers: &[u8]| {
                let number = numbers.get(row).copied().unwrap_or(0);
                text(words.get(usize::from(number)).unwrap_or(&"unspecified"))
            };
            match column {
                0 => optional(columns.trace_id(row).map(|id| hex(id))),
                1 => optional(span_text(at(&columns.spans))),
                2 => optional(span_text(at(&columns.parents))),
                3 => text(columns.service(row)),
                4 => text(columns.name(row)),
                5 => word(KINDS, &columns.kinds),
                6 => number(at(&columns.times)),
                7 => duration().map_or(Value::Null, |it| {
                    number(at(&columns.times).saturating_add(it))
                }),
                8 => duration().map_or(Value::Null, number),
                9 => word(STATUSES, &columns.statuses),
                10 => {
                    let pair = message.and_then(|key| columns.pair_with(row, key));
                    optional(pair.map(|pair| plain(Some(&columns.value_of(pair)))))
                }
                11 => text(head().map_or("", |it| &it.scope.name)),
                12 => text(head().map_or("", |it| &it.scope.version)),
                13 => object(&columns, columns.pairs_of(row), 'a'),
                _ => head().map_or(Value::Null, |it| of_attributes(&it.resource.attributes)),
            }
        })
    };
    (0..columns.len()).map(row).collect()
}

fn span_attributes(store: &Store, block: &Block, used: u32) -> Vec<Row> {
    let columns = store.columns(block);
    let mut rows = Vec::new();
    for row in 0..columns.len() {
        for pair in columns.pairs_of(row) {
            let Some(key) = columns.keys.text(columns.key_of(*pair)).strip_prefix('a') else {
                continue;
            };
            rows.push(made(used, 6, |column| match column {
                0 => optional(columns.trace_id(row).map(|id| hex(id))),
                1 => optional(span_text(columns.spans.get(row).copied().unwrap_or(0))),
                2 => text(columns.service(row)),
                3 => text(key),
                4 => text(parts(Some(&columns.value_of(*pair))).0),
                _ => sql_value(&columns.value_of(*pair)),
            }));
        }
    }
    rows
}

fn sql_value(value: &opentelemetry_proto::tonic::common::v1::AnyValue) -> Value {
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    match &value.value {
        None => Value::Null,
        Some(Any::IntValue(it)) => Value::Integer(*it),
        Some(Any::DoubleValue(it)) => Value::Real(*it),
        Some(Any::BoolValue(it)) => Value::Integer(i64::from(*it)),
        Some(Any::StringValue(it)) => text(it),
        Some(_) => Value::Text(bare(value).to_string()),
    }
}

/// The spans of a block, opened.
fn opened(store: &Store, block: &Block, mut each: impl FnMut(&Columns, usize, &Span)) {
    let (columns, items) = (store.columns(block), store.items(block));
    for row in 0..columns.len() {
        if let Ok(span) = Span::decode(columns.item(&items, row)) {
            each(&columns, row, &span);
        }
    }
}

fn events(store: &Store, block: &Block, used: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    opened(store, block, |columns, row, span| {
        for event in &span.events {
            rows.push(made(used, 6, |column| match column {
                0 => Value::Text(hex(&span.trace_id)),
                1 => Value::Text(hex(&span.span_id)),
                2 => text(columns.service(row)),
                3 => text(&event.name),
                4 => number(event.time_unix_nano),
                _ => of_attributes(&event.attributes),
            }));
        }
    });
    rows
}

fn links(store: &Store, block: &Block, used: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    opened(store, block, |_, _, span| {
        for link in &span.links {
            rows.push(made(used, 5, |column| match column {
                0 => Value::Text(hex(&span.trace_id)),
                1 => Value::Text(hex(&span.span_id)),
                2 => Value::Text(hex(&link.trace_id)),
                3 => Value::Text(hex(&link.span_id)),
                _ => of_attributes(&link.attributes),
            }));
        }
    });
    rows
}

fn logs(store: &Store, block: &Block, used: u32) -> Vec<Row> {
    let columns = store.columns(block);
    let items = if used >> 9 & 1 == 1 {
        store.items(block)
    } else {
        Default::default()
    };
    let body = columns.key(BODY);
    let row = |row: usize| {
        made(used, 10, |column| {
            let severity = columns.kinds.get(row).copied().unwrap_or(0);
            match column {
                0 => number(columns.times.get(row).copied().unwrap_or(0)),
                1 => text(columns.service(row)),
                2 => text(Severity::of(i32::from(severity)).word()),
                3 => number(u64::from(severity)),
                4 => {
                    let pair = body.and_then(|key| columns.pair_with(row, key));
                    optional(pair.map(|pair| plain(Some(&columns.value_of(pair)))))
                }
                5 => optional(columns.trace_id(row).map(|id| hex(id))),
                6 => optional(span_text(columns.spans.get(row).copied().unwrap_or(0))),
                7 => text(columns.name(row)),
                8 => text(columns.head(row).map_or("", |it| &it.scope.name)),
                _ => LogRecord::decode(columns.item(&items, row))
                    .map_or(Value::Null, |it| of_attributes(&it.attributes)),
            }
        })
    };
    (0..columns.len()).map(row).collect()
}

fn metrics(store: &Store, block: &Block, used: u32) -> Vec<Row> {
    let columns = store.columns(block);
    let unit = columns.key("funit");
    let row = |row: usize| {
        made(used, 8, |column| {
            let status = columns.statuses.get(row).copied().unwrap_or(0);
            match column {
                0 => text(columns.service(row)),
                1 => text(columns.name(row)),
                2 => {
                    let kind = metric_kind(columns.kinds.get(row).copied().unwrap_or(0), status);
                    text(METRIC_KINDS.get(usize::from(kind)).unwrap_or(&""))
                }
                3 => {
                    let pair = unit.and_then(|key| columns.pair_with(row, key));
                    optional(pair.map(|pair| plain(Some(&columns.value_of(pair)))))
                }
                4 => match status & 3 {
                    1 => text("delta"),
                    2 => text("cumulative"),
                    _ => Value::Null,
                },
                5 => number(columns.times.get(row).copied().unwrap_or(0)),
                6 => number(columns.durations.get(row).copied().unwrap_or(0)),
                _ => text(columns.head(row).map_or("", |it| &it.scope.name)),
            }
        })
    };
    (0..columns.len()).map(row).collect()
}

fn traces(store: &Store) -> Vec<Row> {
    let pinned = store.lock().pinned.clone();
    let blocks = store.snapshot(Signal::Traces);
    let columns: Vec<_> = blocks.iter().map(|block| store.columns(block)).collect();
    let index = TraceIndex::new(columns.iter().map(AsRef::as_ref), &pinned);
    let row = |it: &crate::search::summary::Summary| {
        let services: Vec<&str> = it.services.iter().map(|part| part.name.as_ref()).collect();
        vec![
            Value::Text(hex(&it.id)),
            text(&it.root_name),
            text(&it.root_service),
            number(it.start),
            number(it.duration()),
            number(it.spans),
            number(it.errors),
            Value::Text(services.join(",")),
            Value::Integer(i64::from(it.is_complete)),
            Value::Integer(i64::from(it.is_pinned)),
        ]
    };
    index.traces.iter().map(row).collect()
}

fn question() -> Question {
    Question::new(Signal::Traces, Expression::All, Window::ALL)
}

fn operations(store: &Store) -> Vec<Row> {
    let all = services(store, &question(), 1).unwrap_or_default();
    let mut rows = Vec::new();
    for (service, it) in &all.services {
        for ((name, kind), calls) in &it.operations {
            rows.push(vec![
                text(service),
                text(name),
                text(KINDS.get(usize::from(*kind)).unwrap_or(&"unspecified")),
                number(calls.count()),
                number(calls.errors),
                number(calls.quantile(0.5)),
                number(calls.quantile(0.95)),
                number(calls.quantile(0.99)),
            ]);
        }
    }
    rows
}

fn edges(store: &Store) -> Vec<Row> {
    let all = services(store, &question(), 1).unwrap_or_default();
    let row = |it: &crate::search::services::Edge| {
        vec![
            text(&it.from),
            text(&it.to),
            text(it.kind),
            number(it.calls.count()),
            number(it.calls.errors),
            number(it.calls.quantile(0.5)),
            number(it.calls.quantile(0.95)),
        ]
    };
    all.edges.iter().map(row).collect()
}

fn findings(store: &Store) -> Vec<Row> {
    let row = |it: &health::Finding| {
        vec![
            text(it.rule),
            text(it.severity.name()),
            text(&it.service),
            number(it.count),
            text(&it.text),
            text(&it.advice),
            optional(it.example.map(|(trace, _)| hex(&trace))),
        ]
    };
    health::findings(store)
        .unwrap_or_default()
        .iter()
        .map(row)
        .collect()
}

fn drops(store: &Store) -> Vec<Row> {
    let state = store.lock();
    let dropped = state.totals.dropped.iter();
    dropped
        .map(|((service, signal, reason), count)| {
            vec![
                text(service),
                text(signal.name()),
                text(reason.name()),
                number(*count),
            ]
        })
        .collect()
}
