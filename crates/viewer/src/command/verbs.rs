//! The verbs that ask a viewer something, each with its question, and how the answer is shown as
//! a table.

/// A column of a table: its title, where in an item its value is, and how it is written.
pub(super) type Column = (&'static str, &'static str, Shape);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Number,
    /// Nanoseconds as a duration.
    Duration,
    /// Nanoseconds since the epoch, as the time of day.
    Time,
    /// A share of one, in percent.
    Share,
    /// Names in a list of objects.
    Names,
    /// The first digits of an id.
    Id,
}

#[derive(Debug)]
pub(super) struct Verb {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    /// Parameters that the arguments are, in their order.
    pub(super) arguments: &'static [&'static str],
    /// How many of them have to be there.
    pub(super) required: usize,
    /// Options and the parameters that they are.
    pub(super) options: &'static [(&'static str, &'static str)],
    pub(super) columns: &'static [Column],
}

use Shape::{Duration, Id, Names, Number, Share, Text, Time};

const LIST: &[(&str, &str)] = &[
    ("limit", "limit"),
    ("since", "from"),
    ("until", "to"),
    ("sort", "sort"),
    ("before", "before"),
];
const TIMES: &[(&str, &str)] = &[("since", "from"), ("until", "to"), ("limit", "limit")];

pub(super) const VERBS: &[Verb] = &[
    Verb {
        name: "status",
        path: "/api/status",
        arguments: &[],
        required: 0,
        options: &[],
        columns: &[],
    },
    Verb {
        name: "traces",
        path: "/api/traces",
        arguments: &["q"],
        required: 0,
        options: LIST,
        columns: &[
            ("trace", "/trace_id", Id),
            ("start", "/start_unix_nanos", Time),
            ("duration", "/duration_nanos", Duration),
            ("spans", "/spans", Number),
            ("errors", "/errors", Number),
            ("root", "/root_name", Text),
            ("services", "/services", Names),
        ],
    },
    Verb {
        name: "trace",
        path: "/api/traces/{id}",
        arguments: &["id"],
        required: 0,
        options: &[],
        columns: &[],
    },
    Verb {
        name: "span",
        path: "/api/traces/{id}/spans/{span}",
        arguments: &["id", "span"],
        required: 2,
        options: &[],
        columns: &[],
    },
    Verb {
        name: "logs",
        path: "/api/logs",
        arguments: &["q"],
        required: 0,
        options: LIST,
        columns: &[
            ("time", "/time_unix_nanos", Time),
            ("severity", "/severity", Text),
            ("service", "/service", Text),
            ("body", "/body/value", Text),
            ("trace", "/trace_id", Id),
        ],
    },
    Verb {
        name: "patterns",
        path: "/api/logs/patterns",
        arguments: &["q"],
        required: 0,
        options: TIMES,
        columns: &[
            ("count", "/count", Number),
            ("severity", "/severity", Text),
            ("last", "/last_unix_nanos", Time),
            ("pattern", "/pattern", Text),
        ],
    },
    Verb {
        name: "runs",
        path: "/api/runs",
        arguments: &["q"],
        required: 0,
        options: TIMES,
        columns: &[
            ("service", "/service", Text),
            ("run", "/number", Number),
            ("first", "/first_unix_nanos", Time),
            ("last", "/last_unix_nanos", Time),
            ("version", "/version", Text),
            ("traces", "/traces", Number),
            ("errors", "/errors", Number),
            ("p50", "/p50_nanos", Duration),
            ("p95", "/p95_nanos", Duration),
            ("query", "/query", Text),
        ],
    },
    Verb {
        name: "services",
        path: "/api/services",
        arguments: &["q"],
        required: 0,
        options: TIMES,
        columns: &[
            ("service", "/name", Text),
            ("calls", "/calls", Number),
            ("errors", "/errors", Number),
            ("a second", "/rate_per_second", Number),
            ("p50", "/p50_nanos", Duration),
            ("p95", "/p95_nanos", Duration),
            ("p99", "/p99_nanos", Duration),
        ],
    },
    Verb {
        name: "health",
        path: "/api/health",
        arguments: &["service"],
        required: 0,
        options: &[],
        columns: &[
            ("severity", "/severity", Text),
            ("service", "/service", Text),
            ("count", "/count", Number),
            ("finding", "/text", Text),
            ("advice", "/advice", Text),
        ],
    },
    Verb {
        name: "slow",
        path: "/api/traces/shares",
        arguments: &["q"],
        required: 1,
        options: &[
            ("against", "against"),
            ("limit", "limit"),
            ("since", "from"),
            ("until", "to"),
        ],
        columns: &[
            ("field", "/field", Text),
            ("value", "/value", Text),
            ("these", "/share", Share),
            ("others", "/against_share", Share),
            ("query", "/query", Text),
        ],
    },
    Verb {
        name: "compare",
        path: "/api/compare",
        arguments: &["a", "b"],
        required: 2,
        options: &[("since", "from"), ("until", "to")],
        columns: &[],
    },
    Verb {
        name: "series",
        path: "/api/metrics/series",
        arguments: &["name"],
        required: 1,
        options: &[
            ("service", "service"),
            ("fn", "fn"),
            ("by", "by"),
            ("filter", "filter"),
            ("step", "step"),
            ("since", "from"),
            ("until", "to"),
        ],
        columns: &[],
    },
    Verb {
        name: "sql",
        path: "/api/sql",
        arguments: &["statement"],
        required: 1,
        options: &[("limit", "limit")],
        columns: &[],
    },
    Verb {
        name: "export",
        path: "/api/export",
        arguments: &["q"],
        required: 0,
        options: &[
            ("signal", "signal"),
            ("since", "from"),
            ("until", "to"),
            ("redact", "redact"),
        ],
        columns: &[],
    },
    Verb {
        name: "wait",
        path: "/api/traces",
        arguments: &["q"],
        required: 1,
        options: LIST,
        columns: &[
            ("trace", "/trace_id", Id),
            ("duration", "/duration_nanos", Duration),
            ("spans", "/spans", Number),
            ("errors", "/errors", Number),
            ("root", "/root_name", Text),
        ],
    },
    Verb {
        name: "tail",
        path: "/api/logs",
        arguments: &["q"],
        required: 0,
        options: &[],
        columns: &[],
    },
    Verb {
        name: "import",
        path: "/api/import",
        arguments: &["file"],
        required: 1,
        options: &[],
        columns: &[],
    },
    Verb {
        name: "snapshot",
        path: "/api/snapshots",
        arguments: &["name"],
        required: 0,
        options: &[],
        columns: &[("name", "/name", Text), ("time", "/time_unix_nanos", Time)],
    },
    Verb {
        name: "pin",
        path: "/api/pins",
        arguments: &["trace_id"],
        required: 1,
        options: &[],
        columns: &[],
    },
    Verb {
        name: "unpin",
        path: "/api/pins",
        arguments: &["trace_id"],
        required: 1,
        options: &[],
        columns: &[],
    },
    Verb {
        name: "clear",
        path: "/api/clear",
        arguments: &["service"],
        required: 0,
        options: &[],
        columns: &[],
    },
    Verb {
        name: "stop",
        path: "/api/stop",
        arguments: &[],
        required: 0,
        options: &[],
        columns: &[],
    },
];
