//! One trace: its spans with what they share, its log records, its tree.

pub(crate) mod logs;
pub(crate) mod path;
pub(crate) mod tree;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;

use crate::ids::{TraceId, span_number};
use crate::otlp::Signal;
use crate::store::{Block, Columns, Head, Store};
use logs::StoredLog;

/// A span with what it shares with the others of its resource and scope.
#[derive(Clone, Debug)]
pub(crate) struct StoredSpan {
    pub(crate) span: Span,
    pub(crate) service: Arc<str>,
    pub(crate) head: Arc<Head>,
}

impl StoredSpan {
    pub(crate) fn is_error(&self) -> bool {
        status_code(&self.span) == StatusCode::Error
    }
}

/// The status of a span; what is not set or not known counts as unset.
pub(crate) fn status_code(span: &Span) -> StatusCode {
    span.status
        .as_ref()
        .and_then(|status| StatusCode::try_from(status.code).ok())
        .unwrap_or(StatusCode::Unset)
}

#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) spans: Vec<StoredSpan>,
}

impl Trace {
    /// What is kept of a trace; `None` if nothing is.
    pub(crate) fn fetch(store: &Store, id: &TraceId) -> Option<Self> {
        let mut spans = Vec::new();
        let mut known = HashSet::new();
        for_records(store, Signal::Traces, id, |columns, row, bytes| {
            // The same span may have arrived twice, long apart.
            if let (Ok(span), Some(head)) = (Span::decode(bytes), columns.head(row))
                && known.insert(span_number(&span.span_id))
            {
                spans.push(StoredSpan {
                    span,
                    service: Arc::clone(&head.service),
                    head: Arc::clone(head),
                });
            }
        });
        (!spans.is_empty()).then_some(Self { spans })
    }

    /// What is kept of some traces, in one pass over everything.
    pub(crate) fn fetch_all(store: &Store, ids: &[TraceId]) -> Vec<Self> {
        let numbers: HashMap<TraceId, usize> = ids
            .iter()
            .enumerate()
            .map(|(number, id)| (*id, number))
            .collect();
        let mut traces: Vec<Self> = ids.iter().map(|_| Self::default()).collect();
        let mut known: HashSet<(usize, u64)> = HashSet::new();
        for block in store.snapshot(Signal::Traces) {
            let columns = store.columns(&block);
            let wanted: Vec<Option<usize>> = columns
                .trace_ids
                .iter()
                .map(|id| numbers.get(id).copied())
                .collect();
            if wanted.iter().all(Option::is_none) {
                continue;
            }
            let items = store.items(&block);
            for (row, trace) in columns.traces.iter().enumerate() {
                let Some(number) = wanted.get(*trace as usize).copied().flatten() else {
                    continue;
                };
                let span = Span::decode(columns.item(&items, row));
                if let (Ok(span), Some(head), Some(trace)) =
                    (span, columns.head(row), traces.get_mut(number))
                    && known.insert((number, span_number(&span.span_id)))
                {
                    trace.spans.push(StoredSpan {
                        span,
                        service: Arc::clone(&head.service),
                        head: Arc::clone(head),
                    });
                }
            }
        }
        traces.retain(|trace| !trace.spans.is_empty());
        traces
    }

    /// The span without a parent that began first, else the one that began first.
    pub(crate) fn root(&self) -> Option<&StoredSpan> {
        let has_parent = |it: &StoredSpan| it.span.parent_span_id.iter().any(|byte| *byte != 0);
        self.spans
            .iter()
            .min_by_key(|it| (has_parent(it), it.span.start_time_unix_nano))
    }

    pub(crate) fn errors(&self) -> u64 {
        self.spans.iter().filter(|it| it.is_error()).count() as u64
    }

    /// Whether a span without a parent is among them.
    pub(crate) fn is_complete(&self) -> bool {
        let is_root = |it: &StoredSpan| it.span.parent_span_id.iter().all(|byte| *byte == 0);
        self.spans.iter().any(is_root)
    }
}

/// The log records of a trace by their time; those of one moment in the order of arrival.
pub(crate) fn logs_of(store: &Store, id: &TraceId) -> Vec<StoredLog> {
    let mut found = Vec::new();
    for_records(store, Signal::Logs, id, |columns, row, bytes| {
        if let (Ok(record), Some(head)) = (LogRecord::decode(bytes), columns.head(row)) {
            found.push(StoredLog::new(record, head));
        }
    });
    found.sort_by_key(StoredLog::time);
    found
}

/// How many log records each span of the trace has.
pub(crate) fn log_counts(logs: &[StoredLog]) -> HashMap<u64, u64> {
    let mut counts = HashMap::new();
    for log in logs {
        *counts.entry(span_number(&log.record.span_id)).or_default() += 1;
    }
    counts
}

fn for_records(
    store: &Store,
    signal: Signal,
    id: &TraceId,
    mut each: impl FnMut(&Columns, usize, &[u8]),
) {
    for block in store.snapshot(signal) {
        for_records_of_block(store, &block, id, &mut each);
    }
}

fn for_records_of_block(
    store: &Store,
    block: &Block,
    id: &TraceId,
    each: &mut impl FnMut(&Columns, usize, &[u8]),
) {
    let columns = store.columns(block);
    let Some(trace) = columns.trace_ids.iter().position(|known| known == id) else {
        return;
    };
    let items = store.items(block);
    let rows = columns.traces.iter().enumerate();
    for (row, _) in rows.filter(|(_, number)| **number as usize == trace) {
        each(&columns, row, columns.item(&items, row));
    }
}
