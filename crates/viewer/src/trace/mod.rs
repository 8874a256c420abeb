//! One trace: its spans with what they share, its log records, its tree.

pub(crate) mod logs;
pub(crate) mod path;
pub(crate) mod tree;

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span};
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

/// The fields of a span (`opentelemetry/proto/trace/v1/trace.proto`) that its place in a trace
/// comes from. The others are stepped over.
#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start: u64,
    #[prost(fixed64, tag = "8")]
    end: u64,
    #[prost(message, repeated, tag = "11")]
    events: Vec<()>,
    #[prost(message, repeated, tag = "13")]
    links: Vec<()>,
    #[prost(message, optional, tag = "15")]
    status: Option<Code>,
}

#[derive(Clone, PartialEq, Message)]
struct Code {
    #[prost(int32, tag = "3")]
    code: i32,
}

impl Shape {
    fn into_span(self, id: &TraceId) -> Span {
        Span {
            trace_id: id.to_vec(),
            span_id: self.span_id,
            parent_span_id: self.parent_span_id,
            name: self.name,
            kind: self.kind,
            start_time_unix_nano: self.start,
            end_time_unix_nano: self.end,
            events: vec![span::Event::default(); self.events.len()],
            links: vec![span::Link::default(); self.links.len()],
            status: self.status.map(|status| Status {
                code: status.code,
                ..Status::default()
            }),
            ..Span::default()
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) spans: Vec<StoredSpan>,
}

impl Trace {
    /// What is kept of a trace; `None` if nothing is.
    pub(crate) fn fetch(store: &Store, id: &TraceId) -> Option<Self> {
        Self::read(store, id, |bytes| Span::decode(bytes).ok())
    }

    /// The same without what the shape of a trace does not need: attributes and messages are left
    /// out, events and links are there but empty.
    pub(crate) fn fetch_shape(store: &Store, id: &TraceId) -> Option<Self> {
        Self::read(store, id, |bytes| {
            Shape::decode(bytes).ok().map(|shape| shape.into_span(id))
        })
    }

    /// One span of a trace, by the number that its id is.
    pub(crate) fn fetch_span(store: &Store, id: &TraceId, wanted: u64) -> Option<StoredSpan> {
        store.snapshot(Signal::Traces).iter().find_map(|block| {
            let columns = store.columns(block);
            let trace = columns.trace_ids.iter().position(|known| known == id)?;
            let mut rows = columns.traces.iter().zip(&columns.spans);
            let row =
                rows.position(|(number, span)| *number as usize == trace && *span == wanted)?;
            let head = columns.head(row)?;
            let items = store.items(block);
            let item = columns
                .are_whole(&items)
                .then(|| columns.item(&items, row))?;
            let span = Span::decode(item).ok()?;
            Some(StoredSpan {
                span,
                service: Arc::clone(&head.service),
                head: Arc::clone(head),
            })
        })
    }

    /// Whether anything of a trace is kept.
    pub(crate) fn is_kept(store: &Store, id: &TraceId) -> bool {
        let blocks = store.snapshot(Signal::Traces);
        blocks
            .iter()
            .any(|block| store.columns(block).trace_ids.contains(id))
    }

    fn read(store: &Store, id: &TraceId, decode: impl Fn(&[u8]) -> Option<Span>) -> Option<Self> {
        let blocks: Vec<(Arc<Block>, Arc<Columns>, u32)> = store
            .snapshot(Signal::Traces)
            .into_iter()
            .filter_map(|block| {
                let columns = store.columns(&block);
                let trace = columns.trace_ids.iter().position(|known| known == id)?;
                Some((block, columns, trace as u32))
            })
            .collect();
        // Lists that grow would move a large trace several times.
        let of_trace = |columns: &Columns, trace: u32| {
            let traces = columns.traces.iter();
            traces.filter(|number| **number == trace).count()
        };
        let count = blocks.iter().map(|it| of_trace(&it.1, it.2)).sum();
        let mut spans = Vec::with_capacity(count);
        let mut known = HashSet::with_capacity(count);
        for (block, columns, trace) in blocks {
            let items = store.items(&block);
            if !columns.are_whole(&items) {
                continue;
            }
            let rows = columns.traces.iter().zip(&columns.spans).enumerate();
            for (row, (_, number)) in rows.filter(|(_, it)| *it.0 == trace) {
                // The same span may have arrived twice, long apart.
                if let Some(span) = decode(columns.item(&items, row))
                    && let Some(head) = columns.head(row)
                    && known.insert(*number)
                {
                    spans.push(StoredSpan {
                        span,
                        service: Arc::clone(&head.service),
                        head: Arc::clone(head),
                    });
                }
            }
        }
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
            if !columns.are_whole(&items) {
                continue;
            }
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
    if !columns.are_whole(&items) {
        return;
    }
    let rows = columns.traces.iter().enumerate();
    for (row, _) in rows.filter(|(_, number)| **number as usize == trace) {
        each(&columns, row, columns.item(&items, row));
    }
}
