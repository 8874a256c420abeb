//! Lists of traces: those with a span that fits, in an order.

use std::cmp::Reverse;

use super::summary::{Summary, TraceIndex};
use super::{Question, TooLong, find};
use crate::ids::{TraceId, from_hex, hex};
use crate::otlp::Signal;
use crate::query::Expression;
use crate::store::Store;
use crate::store::columns::NONE;

/// Blocks that hold what arrived last.
const NEWEST_BLOCKS: usize = 8;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Newest,
    Oldest,
    Slowest,
    Fastest,
    Spans,
    Errors,
}

impl Sort {
    pub(crate) const NAMES: [(&'static str, Self); 6] = [
        ("newest", Self::Newest),
        ("oldest", Self::Oldest),
        ("slowest", Self::Slowest),
        ("fastest", Self::Fastest),
        ("spans", Self::Spans),
        ("errors", Self::Errors),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find(|it| it.0 == name)
            .map(|it| it.1)
    }

    /// What comes first has the largest.
    fn rank(self, trace: &Summary) -> (u64, u64) {
        match self {
            Self::Newest => (trace.start, 0),
            Self::Oldest => (u64::MAX - trace.start, 0),
            Self::Slowest => (trace.duration(), trace.start),
            Self::Fastest => (u64::MAX - trace.duration(), trace.start),
            Self::Spans => (trace.spans, trace.start),
            Self::Errors => (trace.errors, trace.start),
        }
    }
}

/// Where a trace stands in an order: its rank, the largest first, and its id.
pub(crate) type Position = ((u64, u64), TraceId);

/// A part of all that were found.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) total: usize,
    pub(crate) listed: Vec<Listed>,
    /// After which the next part begins, if there is more.
    pub(crate) next: Option<Position>,
}

#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) summary: Summary,
    /// Spans that fit.
    pub(crate) matched: u64,
}

/// How many traces have a span that fits, and the first of them, or the first after a position.
pub(crate) fn list(
    store: &Store,
    question: &Question,
    sort: Sort,
    limit: usize,
    after: Option<Position>,
) -> Result<Page, TooLong> {
    let (found, index) = find(store, question, true)?;
    let Some(index) = index else {
        return Ok(Page::default());
    };
    let mut matched = vec![0_u64; index.traces.len()];
    for (number, found) in found.iter().enumerate() {
        let traces = index.of_block(number);
        for row in found.rows.iter() {
            let trace = found.columns.traces.get(row).copied().unwrap_or(NONE);
            if let Some(count) = traces.number(trace).and_then(|it| matched.get_mut(it)) {
                *count += 1;
            }
        }
    }
    let with_match = matched
        .iter()
        .zip(&index.traces)
        .filter(|(count, _)| **count > 0);
    let mut order: Vec<((u64, u64), u64, &Summary)> = with_match
        .map(|(count, summary)| (sort.rank(summary), *count, summary))
        .collect();
    let total = order.len();
    if let Some((rank, id)) = after {
        order.retain(|it| (Reverse(it.0), it.2.id) > (Reverse(rank), id));
    }
    let has_more = order.len() > limit;
    if has_more && limit > 0 {
        order.select_nth_unstable_by_key(limit - 1, |it| (Reverse(it.0), it.2.id));
    }
    order.truncate(limit);
    order.sort_by_key(|it| (Reverse(it.0), it.2.id));
    let last = order.last().map(|it| (it.0, it.2.id));
    let listed = order.into_iter().map(|(_, matched, summary)| Listed {
        summary: summary.clone(),
        matched,
    });
    Ok(Page {
        total,
        listed: listed.collect(),
        next: last.filter(|_| has_more),
    })
}

/// The traces that began last, of those that still grow or were sealed a moment ago: quick,
/// however much is kept.
pub(crate) fn newest(store: &Store, limit: usize) -> Vec<Summary> {
    let blocks = store.snapshot(Signal::Traces);
    let blocks = blocks
        .iter()
        .rev()
        .filter(|it| !it.is_rescued)
        .take(NEWEST_BLOCKS);
    let columns: Vec<_> = blocks.map(|block| store.columns(block)).collect();
    let index = TraceIndex::new(columns.iter().map(AsRef::as_ref), &Default::default());
    let mut traces = index.traces;
    traces.sort_by_key(|it| Reverse(it.start));
    traces.truncate(limit);
    traces
}

/// Why no trace is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    /// What was given is no name of a trace.
    NoName,
    /// Nothing of it is kept.
    NotKept,
    TooLong,
}

/// Fewer digits of a trace id than this name too many traces.
const MIN_PREFIX: usize = 4;

/// The trace that somebody means: by id, by the first digits of it, or `latest`, `slowest`, `failed`.
pub(crate) fn named(store: &Store, name: &str) -> Result<TraceId, NotFound> {
    let listed = |query: Expression, sort: Sort| {
        let question = Question::new(Signal::Traces, query, super::Window::ALL);
        let page = list(store, &question, sort, 1, None).map_err(|_| NotFound::TooLong)?;
        let first = page.listed.first();
        first.map(|it| it.summary.id).ok_or(NotFound::NotKept)
    };
    let failed = || crate::query::parse(Signal::Traces, "status:error");
    match name {
        "latest" => listed(Expression::All, Sort::Newest),
        "slowest" => listed(Expression::All, Sort::Slowest),
        "failed" => listed(failed().unwrap_or(Expression::All), Sort::Newest),
        digits => {
            let digits = digits.to_ascii_lowercase();
            let is_prefix = (MIN_PREFIX..=32).contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            if !is_prefix {
                return Err(NotFound::NoName);
            }
            if let Some(id) = from_hex::<16>(&digits) {
                return Ok(id);
            }
            let blocks = store.snapshot(Signal::Traces).into_iter().rev();
            let mut ids = blocks.filter_map(|block| {
                let columns = store.columns(&block);
                let mut ids = columns.trace_ids.iter().rev();
                ids.find(|id| hex(*id).starts_with(&digits)).copied()
            });
            ids.next().ok_or(NotFound::NotKept)
        }
    }
}
