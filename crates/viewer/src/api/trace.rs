//! One trace: all spans as columns, its log records, which of its spans fit a query, and the
//! drawing for a terminal.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Answer, Answered, Context, Parameters, Problem, Written, logs as of_logs};
use crate::draw::waterfall;
use crate::ids::{TraceId, hex, span_number};
use crate::otlp::Signal;
use crate::query::Expression;
use crate::search::traces::{NotFound, named};
use crate::search::{Question, Window, find};
use crate::trace::logs::StoredLog;
use crate::trace::tree::{Detached, Forest};
use crate::trace::{Trace, log_counts, logs_of, path, status_code};

/// The trace that the question is about, under the name of this parameter.
pub(super) fn fetch(
    context: &Context,
    parameters: &Parameters,
    parameter: &str,
) -> Result<(TraceId, Trace), Problem> {
    let name = parameters.get(parameter).unwrap_or("latest");
    let id = named(&context.store, name)?;
    let trace = Trace::fetch(&context.store, &id).ok_or(NotFound::NotKept)?;
    Ok((id, trace))
}

/// The spans in the order of the tree: parents first, siblings by start. Gives for each its
/// number among the nodes, its depth and the row after its subtree.
pub(super) fn order(forest: &Forest<'_>) -> Vec<(usize, usize, usize)> {
    let mut rows = Vec::with_capacity(forest.nodes.len());
    let mut waiting: Vec<(usize, usize)> = forest.roots.iter().rev().map(|it| (*it, 0)).collect();
    while let Some((index, depth)) = waiting.pop() {
        rows.push((index, depth, 0));
        if let Some(node) = forest.node(index) {
            waiting.extend(node.children.iter().rev().map(|child| (*child, depth + 1)));
        }
    }
    // A subtree ends where a row is no deeper: found from the end, with a stack of open depths.
    let mut after: Vec<usize> = Vec::new();
    for row in (0..rows.len()).rev() {
        let length = rows.len();
        if let Some((_, depth, end)) = rows.get_mut(row) {
            after.truncate(*depth + 1);
            after.resize(*depth + 1, length);
            *end = after
                .get(..=*depth)
                .and_then(|it| it.iter().min().copied())
                .unwrap_or(length);
            if let Some(last) = after.last_mut() {
                *last = row;
            }
        }
    }
    rows
}

pub(super) fn columns(context: &Context, parameters: &Parameters) -> Answered {
    tell(context, parameters, |told| {
        serde_json::to_value(told).unwrap_or_default().into()
    })
}

/// The same as bytes: a tree of values of 100,000 spans would take longer than all the rest.
pub(super) fn columns_written(
    context: &Context,
    parameters: &Parameters,
) -> Result<Written, Problem> {
    tell(context, parameters, |told| {
        Written(serde_json::to_vec(told).unwrap_or_default())
    })
}

fn tell<T>(
    context: &Context,
    parameters: &Parameters,
    write: impl FnOnce(&Told<'_>) -> T,
) -> Result<T, Problem> {
    let (id, trace) = fetch(context, parameters, "id")?;
    let logs = logs_of(&context.store, &id);
    let forest = Forest::new(&trace.spans);
    let rows = order(&forest);
    let row_of: HashMap<usize, usize> = rows
        .iter()
        .enumerate()
        .map(|(row, it)| (it.0, row))
        .collect();
    let own = path::self_times(&forest);
    let critical = path::critical(&forest);
    let mut critical_nanos = vec![0_u64; forest.nodes.len()];
    for (index, from, to) in &critical {
        if let Some(nanos) = critical_nanos.get_mut(*index) {
            *nanos += to - from;
        }
    }
    let log_counts = log_counts(&logs);
    let (start, end) = forest.range;
    let mut services = Numbers::default();
    let mut names = Numbers::default();
    let mut all = Columns::default();
    for (index, depth, subtree_end) in &rows {
        let Some(node) = forest.node(*index) else {
            continue;
        };
        let span = &node.stored.span;
        let number = span_number(&span.span_id);
        let offset = node.start.map_or(0, |it| it.saturating_sub(start));
        all.span_id.push(hex(&span.span_id));
        let parent = node.parent.and_then(|it| row_of.get(&it));
        all.parent.push(parent.map_or(-1, |it| *it as i64));
        all.depth.push(*depth);
        all.end.push(*subtree_end);
        all.service.push(services.of(&node.stored.service));
        all.name.push(names.of(&span.name));
        all.kind.push(span.kind);
        all.status.push(status_code(span) as i32);
        all.offset.push(offset);
        all.duration
            .push(node.duration().map_or(-1, |it| it as i64));
        all.own.push(own.get(*index).copied().unwrap_or(0));
        all.critical
            .push(critical_nanos.get(*index).copied().unwrap_or(0));
        all.events.push(span.events.len());
        all.links.push(span.links.len());
        all.logs.push(log_counts.get(&number).copied().unwrap_or(0));
        let detached = match node.detached {
            Some(Detached::ParentMissing) => 1,
            Some(Detached::Cycle) => 2,
            None => 0,
        };
        let has_no = |time: Option<u64>, mark| if time.is_none() { mark } else { 0 };
        let shifted = if node.shift == 0 { 0 } else { 16 };
        all.mark
            .push(detached + has_no(node.start, 4) + has_no(node.end, 8) + shifted);
    }
    let pieces = critical
        .iter()
        .filter_map(|(index, from, to)| {
            let row = row_of.get(index)?;
            Some((*row, from.saturating_sub(start), to.saturating_sub(start)))
        })
        .collect();
    let corrections = forest
        .corrections
        .iter()
        .map(|(service, nanos)| json!({ "service": service.as_ref(), "nanos": nanos }))
        .collect();
    let root = trace.root();
    let is_pinned = context.store.lock().pinned.contains(&id);
    Ok(write(&Told {
        format: 1,
        trace_id: hex(&id),
        root_name: root.map(|it| it.span.name.as_str()),
        root_service: root.map(|it| it.service.as_ref()),
        start_unix_nanos: start.to_string(),
        duration_nanos: end.saturating_sub(start),
        spans: trace.spans.len(),
        errors: trace.errors(),
        log_records: logs.len(),
        complete: trace.is_complete(),
        pinned: is_pinned,
        services: services.list(),
        names: names.list(),
        columns: all,
        critical: pieces,
        corrections,
    }))
}

/// One trace, as it is answered.
#[derive(Serialize)]
struct Told<'a> {
    format: u32,
    trace_id: String,
    root_name: Option<&'a str>,
    root_service: Option<&'a str>,
    start_unix_nanos: String,
    duration_nanos: u64,
    spans: usize,
    errors: u64,
    log_records: usize,
    complete: bool,
    pinned: bool,
    services: Vec<&'a str>,
    names: Vec<&'a str>,
    columns: Columns,
    critical: Vec<(usize, u64, u64)>,
    corrections: Vec<Value>,
}

#[derive(Default, Serialize)]
struct Columns {
    span_id: Vec<String>,
    parent: Vec<i64>,
    depth: Vec<usize>,
    end: Vec<usize>,
    service: Vec<usize>,
    name: Vec<usize>,
    kind: Vec<i32>,
    status: Vec<i32>,
    #[serde(rename = "offset_nanos")]
    offset: Vec<u64>,
    #[serde(rename = "duration_nanos")]
    duration: Vec<i64>,
    #[serde(rename = "self_nanos")]
    own: Vec<u64>,
    #[serde(rename = "critical_nanos")]
    critical: Vec<u64>,
    events: Vec<usize>,
    links: Vec<usize>,
    #[serde(rename = "log_records")]
    logs: Vec<u64>,
    mark: Vec<u8>,
}

/// Texts numbered in the order in which they came.
#[derive(Default)]
struct Numbers {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, usize>,
}

impl Numbers {
    fn list(&self) -> Vec<&str> {
        self.texts.iter().map(AsRef::as_ref).collect()
    }

    fn of(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let text: Arc<str> = text.into();
        let number = self.texts.len();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }
}

pub(super) fn matches(context: &Context, parameters: &Parameters) -> Answered {
    let (id, trace) = fetch(context, parameters, "id")?;
    let wanted = parameters.query("q", Signal::Traces)?;
    let of_trace = crate::query::parse(Signal::Traces, &format!("trace={}", hex(&id)));
    let query = of_trace.unwrap_or(Expression::All).and(wanted);
    let question = Question::new(Signal::Traces, query, Window::ALL);
    let (found, _) = find(&context.store, &question, false)?;
    let spans: std::collections::HashSet<u64> = found
        .iter()
        .flat_map(|found| {
            let rows = found.rows.iter();
            rows.filter_map(|row| found.columns.spans.get(row).copied())
        })
        .collect();
    let forest = Forest::new(&trace.spans);
    let rows: Vec<usize> = order(&forest)
        .iter()
        .enumerate()
        .filter(|(_, (index, _, _))| {
            let node = forest.node(*index);
            node.is_some_and(|it| spans.contains(&span_number(&it.stored.span.span_id)))
        })
        .map(|(row, _)| row)
        .collect();
    Ok(json!({ "format": 1, "total": rows.len(), "rows": rows }).into())
}

pub(super) fn logs(context: &Context, parameters: &Parameters) -> Answered {
    // The log records of a trace may be here without it, under its whole id.
    let id = named(&context.store, parameters.text("id"))?;
    let logs = logs_of(&context.store, &id);
    let trace = Trace::fetch(&context.store, &id).unwrap_or_default();
    let forest = Forest::new(&trace.spans);
    let rows: HashMap<u64, usize> = order(&forest)
        .iter()
        .enumerate()
        .filter_map(|(row, (index, _, _))| {
            Some((span_number(&forest.node(*index)?.stored.span.span_id), row))
        })
        .collect();
    let data: Vec<Value> = logs
        .iter()
        .map(|log: &StoredLog| {
            let mut told = of_logs::record(log, None);
            let row = rows.get(&span_number(&log.record.span_id));
            if let Some(told) = told.as_object_mut() {
                told.insert("row".to_owned(), json!(row.map_or(-1, |it| *it as i64)));
            }
            told
        })
        .collect();
    Ok(super::traces::envelope(parameters, data.len(), data).into())
}

pub(super) fn waterfall(context: &Context, parameters: &Parameters) -> Answered {
    let (id, trace) = fetch(context, parameters, "trace")?;
    let logs = logs_of(&context.store, &id);
    let logs: Vec<&StoredLog> = logs.iter().collect();
    let drawn = waterfall::render(&id, &trace, &logs, &parameters.style()?);
    Ok(Answer::Text(drawn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::stored_span;

    #[test]
    fn subtrees_end_where_the_next_of_their_depth_begins() {
        let spans = vec![
            stored_span("a", 1, 0, 0, 100),
            stored_span("a", 2, 1, 10, 40),
            stored_span("a", 3, 2, 20, 30),
            stored_span("a", 4, 1, 50, 60),
            stored_span("a", 5, 9, 70, 90),
            stored_span("a", 6, 5, 75, 80),
        ];
        let forest = Forest::new(&spans);
        let rows: Vec<_> = order(&forest);
        assert_eq!(
            rows,
            [
                (0, 0, 4),
                (1, 1, 3),
                (2, 2, 3),
                (3, 1, 4),
                (4, 0, 6),
                (5, 1, 6)
            ]
        );
    }
}
