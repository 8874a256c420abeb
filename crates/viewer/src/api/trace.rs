//! One trace: all spans as columns, its log records, which of its spans fit a query, and the
//! drawing for a terminal.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{Answer, Answered, Context, Parameters, Problem, Written, logs as of_logs, runs};
use crate::draw::waterfall;
use crate::ids::{TraceId, hex, span_number};
use crate::otlp::Signal;
use crate::query::Expression;
use crate::search::runs::Identity;
use crate::search::traces::{NotFound, named};
use crate::search::{Question, Window, find};
use crate::store::Head;
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

/// The same without attributes.
fn fetch_shape(context: &Context, parameters: &Parameters) -> Result<(TraceId, Trace), Problem> {
    let id = named(&context.store, parameters.get("id").unwrap_or("latest"))?;
    let trace = Trace::fetch_shape(&context.store, &id).ok_or(NotFound::NotKept)?;
    Ok((id, trace))
}

/// A span's place in the order of the tree: parents first, siblings by start.
#[derive(Debug, PartialEq)]
struct Row {
    /// Its number among the nodes.
    node: usize,
    parent: Option<usize>,
    depth: usize,
    /// The row after its subtree.
    end: usize,
}

fn order(forest: &Forest<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(forest.nodes.len());
    let roots = forest.roots.iter().rev();
    let mut waiting: Vec<(usize, Option<usize>, usize)> =
        roots.map(|root| (*root, None, 0)).collect();
    while let Some((node, parent, depth)) = waiting.pop() {
        let row = rows.len();
        rows.push(Row {
            node,
            parent,
            depth,
            end: row + 1,
        });
        let children = forest
            .node(node)
            .map_or(&[][..], |it| it.children.as_slice());
        let children = children.iter().rev();
        waiting.extend(children.map(|child| (*child, Some(row), depth + 1)));
    }
    // Parents stand before their children, so from the end each is complete when its turn comes.
    for row in (0..rows.len()).rev() {
        let of_row = rows.get(row).map(|it| (it.parent, it.end));
        if let Some((Some(parent), end)) = of_row
            && let Some(parent) = rows.get_mut(parent)
        {
            parent.end = parent.end.max(end);
        }
    }
    rows
}

pub(super) fn columns(context: &Context, parameters: &Parameters) -> Answered {
    let told = |told: &Told<'_>| serde_json::to_value(told).unwrap_or_default();
    tell(context, parameters, |it| told(&it).into())
}

/// The same as bytes: a tree of values of 100,000 spans would take longer than all the rest.
pub(super) fn columns_written(
    context: &Context,
    parameters: &Parameters,
) -> Result<Written, Problem> {
    match parameters.text("form") {
        "" => tell(context, parameters, |told| {
            // About what it takes, so that it need not be moved while it grows.
            let mut bytes = Vec::with_capacity(1_024 + 96 * told.spans);
            if serde_json::to_writer(&mut bytes, &told).is_err() {
                bytes.clear();
            }
            Written {
                bytes,
                content_type: super::JSON,
            }
        }),
        "packed" => tell(context, parameters, |told| Written {
            bytes: pack(told),
            content_type: "application/octet-stream",
        }),
        _ => Err(Problem::wrong("form", "is packed, or left out")),
    }
}

/// Columns as they stand in a browser's memory (`web/API.md`): reading a hundred thousand spans out of
/// JSON takes it longer than drawing them.
fn pack(mut told: Told<'_>) -> Vec<u8> {
    let all = told.columns.take().unwrap_or_default();
    let critical = told.critical.take().unwrap_or_default();
    told.pieces = Some(critical.len());
    let head = serde_json::to_vec(&told).unwrap_or_default();
    let mut bytes = Vec::with_capacity(1_024 + head.len() + 76 * told.spans + 20 * critical.len());
    let length = (4 + head.len()).next_multiple_of(8) - 4;
    bytes.extend((length as u32).to_le_bytes());
    bytes.extend(&head);
    // Blanks after JSON mean nothing; numbers of eight bytes stand at multiples of eight.
    bytes.resize(4 + length, b' ');
    for id in &all.span_id {
        bytes.extend(id.to_le_bytes());
    }
    let mut doubles = |column: &mut dyn Iterator<Item = f64>| {
        for number in column {
            bytes.extend(number.to_le_bytes());
        }
    };
    doubles(&mut all.offset.iter().map(|it| *it as f64));
    doubles(&mut all.duration.iter().map(|it| *it as f64));
    doubles(&mut all.own.iter().map(|it| *it as f64));
    doubles(&mut all.critical.iter().map(|it| *it as f64));
    doubles(&mut critical.iter().map(|it| it.1 as f64));
    doubles(&mut critical.iter().map(|it| it.2 as f64));
    let mut numbers = |column: &mut dyn Iterator<Item = i32>| {
        for number in column {
            bytes.extend(number.to_le_bytes());
        }
    };
    numbers(&mut all.parent.iter().map(|it| *it as i32));
    numbers(&mut all.end.iter().map(|it| *it as i32));
    numbers(&mut all.depth.iter().map(|it| *it as i32));
    numbers(&mut all.service.iter().map(|it| *it as i32));
    numbers(&mut all.name.iter().map(|it| *it as i32));
    numbers(&mut all.logs.iter().map(|it| *it as i32));
    numbers(&mut critical.iter().map(|it| it.0 as i32));
    bytes.extend(all.kind.iter().map(|it| *it as u8));
    bytes.extend(all.status.iter().map(|it| *it as u8));
    bytes.extend(&all.mark);
    bytes
}

fn tell<T>(
    context: &Context,
    parameters: &Parameters,
    write: impl FnOnce(Told<'_>) -> T,
) -> Result<T, Problem> {
    let (id, trace) = fetch_shape(context, parameters)?;
    let logs = logs_of(&context.store, &id);
    let forest = Forest::new(&trace.spans);
    let rows = order(&forest);
    let mut row_of = vec![usize::MAX; forest.nodes.len()];
    for (row, it) in rows.iter().enumerate() {
        if let Some(place) = row_of.get_mut(it.node) {
            *place = row;
        }
    }
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
    all.span_id.reserve(rows.len());
    for row in &rows {
        let index = row.node;
        let Some(node) = forest.node(index) else {
            continue;
        };
        let span = &node.stored.span;
        let number = span_number(&span.span_id);
        let offset = node.start.map_or(0, |it| it.saturating_sub(start));
        all.span_id.push(number);
        all.parent.push(row.parent.map_or(-1, |it| it as i64));
        all.depth.push(row.depth);
        all.end.push(row.end);
        all.service.push(services.of(&node.stored.service));
        all.name.push(names.of(&span.name));
        all.kind.push(span.kind);
        all.status.push(status_code(span) as i32);
        all.offset.push(offset);
        all.duration
            .push(node.duration().map_or(-1, |it| it as i64));
        all.own.push(own.get(index).copied().unwrap_or(0));
        all.critical
            .push(critical_nanos.get(index).copied().unwrap_or(0));
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
            let row = *row_of.get(*index)?;
            Some((row, from.saturating_sub(start), to.saturating_sub(start)))
        })
        .collect();
    let corrections = forest
        .corrections
        .iter()
        .map(|(service, nanos)| json!({ "service": service.as_ref(), "nanos": nanos }))
        .collect();
    let mut of_runs: Vec<Identity> = Vec::new();
    let mut head: Option<&Arc<Head>> = None;
    for it in &trace.spans {
        // Neighbours mostly share what they came with.
        if head.is_none_or(|head| !Arc::ptr_eq(head, &it.head)) {
            let identity = Identity::of(&it.head);
            if !of_runs.contains(&identity) {
                of_runs.push(identity);
            }
            head = Some(&it.head);
        }
    }
    let root = trace.root();
    let is_pinned = context.store.lock().pinned.contains(&id);
    Ok(write(Told {
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
        columns: Some(all),
        critical: Some(pieces),
        pieces: None,
        corrections,
        runs: of_runs.iter().map(runs::identity).collect(),
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
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<Columns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    critical: Option<Vec<(usize, u64, u64)>>,
    /// How many pieces the critical path has, where it does not stand here itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces: Option<usize>,
    corrections: Vec<Value>,
    runs: Vec<Value>,
}

#[derive(Default, Serialize)]
struct Columns {
    #[serde(serialize_with = "as_hex")]
    span_id: Vec<u64>,
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

fn as_hex<S: Serializer>(ids: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(|id| format!("{id:016x}")))
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
    let (id, trace) = fetch_shape(context, parameters)?;
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
        .filter(|(_, row)| {
            let node = forest.node(row.node);
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
    let trace = Trace::fetch_shape(&context.store, &id).unwrap_or_default();
    let forest = Forest::new(&trace.spans);
    let rows: HashMap<u64, usize> = order(&forest)
        .iter()
        .enumerate()
        .filter_map(|(row, it)| {
            Some((span_number(&forest.node(it.node)?.stored.span.span_id), row))
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
        let rows = order(&forest);
        let rows: Vec<_> = rows
            .iter()
            .map(|it| (it.node, it.parent, it.depth, it.end))
            .collect();
        assert_eq!(
            rows,
            [
                (0, None, 0, 4),
                (1, Some(0), 1, 3),
                (2, Some(1), 2, 3),
                (3, Some(0), 1, 4),
                (4, None, 0, 6),
                (5, Some(4), 1, 6)
            ]
        );
    }
}
