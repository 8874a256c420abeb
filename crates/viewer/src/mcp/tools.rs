//! The tools: what each is for, and what it takes.

use serde_json::{Map, Value, json};

pub(super) struct Tool {
    pub(super) name: &'static str,
    description: &'static str,
    pub(super) arguments: &'static [Argument],
    /// Whether it leaves everything as it is.
    only_reads: bool,
}

pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    description: &'static str,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Flag,
    /// From 1 up to this.
    Number(u64),
    OneOf(&'static [&'static str]),
}

use Kind::{Flag, Number, OneOf, Text};

pub(super) const MAX_WAIT_SECONDS: u64 = 60;

const fn may(name: &'static str, kind: Kind, description: &'static str) -> Argument {
    Argument {
        name,
        kind,
        is_required: false,
        description,
    }
}

const fn must(name: &'static str, kind: Kind, description: &'static str) -> Argument {
    Argument {
        name,
        kind,
        is_required: true,
        description,
    }
}

const fn reads(
    name: &'static str,
    description: &'static str,
    arguments: &'static [Argument],
) -> Tool {
    Tool {
        name,
        description,
        arguments,
        only_reads: true,
    }
}

const QUERY: &str =
    "such as: service:shop duration>200ms status:error (resource oxitel://query-language)";
const SINCE: Argument = may(
    "since",
    Text,
    "-15m, -2h, or nanoseconds since the epoch; left out: all that is kept",
);
const UNTIL: Argument = may("until", Text, "the same; left out: now");

pub(super) const TOOLS: &[Tool] = &[
    reads(
        "overview",
        "What there is: services with calls, errors and durations, the newest failures, what is wrong \
         with the telemetry, what was lost. Ask this first.",
        &[SINCE],
    ),
    reads(
        "search_traces",
        "Traces in which a span fits a query.",
        &[
            may("query", Text, QUERY),
            may(
                "sort",
                OneOf(&["newest", "oldest", "slowest", "fastest", "spans", "errors"]),
                "default newest",
            ),
            may("limit", Number(50), "default 10"),
            SINCE,
            UNTIL,
        ],
    ),
    reads(
        "get_trace",
        "One trace as a tree of spans; siblings that are alike are one line with ×n.",
        &[
            may(
                "trace",
                Text,
                "an id, its first digits, latest (default), slowest, or failed",
            ),
            may(
                "detail",
                OneOf(&["outline", "critical", "errors", "full"]),
                "outline (default), critical: only what the duration is made of, errors: only what \
                 failed and what it is in, full: every span with its id",
            ),
            may("depth", Number(100), "levels shown, default 12"),
        ],
    ),
    reads(
        "get_span",
        "One span whole: attributes, events, links, log records, resource, and how slow it is among \
         its kind.",
        &[
            must("trace", Text, "the trace's id"),
            must("span", Text, "the span's id"),
        ],
    ),
    reads(
        "search_logs",
        "Log records that fit a query, or, with patterns, what they have in common, counted.",
        &[
            may("query", Text, "such as: severity>=warn body~refused"),
            may(
                "patterns",
                Flag,
                "templates with counts in place of records",
            ),
            may("limit", Number(50), "default 20"),
            SINCE,
            UNTIL,
        ],
    ),
    reads(
        "explain_slow",
        "What the spans of a query have in common against others: attributes ranked by how far their \
         shares differ. Say what is slow or failed in the query.",
        &[
            must(
                "query",
                Text,
                "such as: name=\"POST /orders\" duration>500ms, or status:error",
            ),
            may(
                "against",
                Text,
                "a query; left out: all others of the same services, names and kinds",
            ),
            may("limit", Number(50), "default 12"),
            SINCE,
            UNTIL,
        ],
    ),
    reads(
        "compare",
        "Two sets of traces: what became slower, what is new, what is gone.",
        &[
            must("a", Text, "a query, trace:ID, or snapshot:NAME"),
            must(
                "b",
                Text,
                "the same, or now: what came since the last snapshot",
            ),
            SINCE,
            UNTIL,
        ],
    ),
    reads(
        "query_metrics",
        "A metric over time; without a name, which metrics there are.",
        &[
            may("name", Text, "of the metric"),
            may("service", Text, "whose metric it is, or whose are listed"),
            may(
                "fn",
                OneOf(&[
                    "rate", "increase", "value", "sum", "count", "mean", "min", "max", "p50",
                    "p90", "p95", "p99",
                ]),
                "default: rate of counters, p95 of histograms, else value",
            ),
            may("by", Text, "attribute keys with commas, to part it by"),
            may("filter", Text, "a query over its attributes"),
            may("step", Text, "such as 10s"),
            SINCE,
            UNTIL,
        ],
    ),
    reads(
        "list_fields",
        "Which attributes there are, or which values one has, with counts.",
        &[
            may(
                "signal",
                OneOf(&["traces", "logs", "metrics"]),
                "default traces",
            ),
            may("prefix", Text, "how the name begins"),
            may("field", Text, "whose values are asked for"),
        ],
    ),
    reads(
        "check_telemetry",
        "What is wrong with the telemetry itself, with advice: missing parents, names that are no \
         conventions, too many values, lost spans.",
        &[may("service", Text, "only this one")],
    ),
    reads(
        "sql",
        "A SELECT over spans, span_attributes, events, links, traces, logs, metrics, operations, \
         edges, findings and drops (resource oxitel://sql has their columns). Two seconds at most.",
        &[
            must("statement", Text, "SQLite's dialect"),
            may("limit", Number(200), "default 50"),
        ],
    ),
    reads(
        "wait_for",
        "Waits until traces fit a query: start a program, then wait for what it should send.",
        &[
            must("query", Text, QUERY),
            may("count", Number(1_000), "default 1"),
            may("timeout", Number(MAX_WAIT_SECONDS), "seconds, default 10"),
        ],
    ),
    Tool {
        name: "snapshot",
        description: "Gives this moment a name, so that what comes after can be compared with what \
                      came before (compare a=snapshot:NAME b=now).",
        arguments: &[must("name", Text, "of the moment")],
        only_reads: false,
    },
    reads(
        "otlp_endpoint",
        "Where to send telemetry, and the variables that make a program do so.",
        &[],
    ),
];

/// A tool as clients are told of it.
pub(super) fn described(tool: &Tool) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for argument in tool.arguments {
        let mut schema = match argument.kind {
            Text => json!({ "type": "string" }),
            Flag => json!({ "type": "boolean" }),
            Number(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
            OneOf(words) => json!({ "type": "string", "enum": words }),
        };
        if let Value::Object(fields) = &mut schema {
            fields.insert("description".to_owned(), json!(argument.description));
        }
        properties.insert(argument.name.to_owned(), schema);
        if argument.is_required {
            required.push(argument.name);
        }
    }
    json!({
        "name": tool.name,
        "description": tool.description,
        "inputSchema": {
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": false,
        },
        "annotations": {
            "readOnlyHint": tool.only_reads, "destructiveHint": false, "openWorldHint": false,
        },
    })
}
