//! Metrics: which there are, one of them over time, and the table for a terminal.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use opentelemetry_proto::tonic::metrics::v1::Metric;
use prost::Message;
use serde_json::{Value, json};

use super::traces::envelope;
use super::{Answer, Answered, Context, Parameters, Problem};
use crate::draw::metrics as table_of;
use crate::ids::{TraceId, hex};
use crate::metrics::history::{By, Function, History, census, exemplar_value};
use crate::otlp::Signal;
use crate::otlp::value::{attributes, double};
use crate::query::{Expression, METRIC_KINDS};
use crate::search::{Found, Question, find, metric_kind, series_fit};

/// Steps where none are asked for.
const STEPS: u64 = 120;
const MAX_STEPS: u64 = 2_000;
/// Lines that are answered.
const MAX_LINES: usize = 100;
const HEATMAP_ROWS: usize = 40;

#[derive(Default)]
struct Listed {
    description: String,
    unit: String,
    scope: String,
    kind: u8,
    temporality: u8,
    points: u64,
    last: u64,
    series: HashSet<Vec<u8>>,
    keys: BTreeSet<String>,
    exemplars: u64,
}

pub(super) fn list(context: &Context, parameters: &Parameters) -> Answered {
    let question = parameters.question(Signal::Metrics)?;
    let (found, _) = find(&context.store, &question, false)?;
    let mut listed: BTreeMap<(Arc<str>, String), Listed> = BTreeMap::new();
    // The newest first: of each metric the newest few messages are opened.
    for found in found.iter().rev().filter(|found| !found.rows.is_empty()) {
        question.check()?;
        let columns = &found.columns;
        let mut items = None;
        let rows: Vec<usize> = found.rows.iter().collect();
        for row in rows.into_iter().rev() {
            let Some(head) = columns.head(row) else {
                continue;
            };
            let name = columns.name(row).to_owned();
            let metric = listed.entry((Arc::clone(&head.service), name)).or_default();
            metric.points += columns.durations.get(row).copied().unwrap_or(0);
            metric.last = metric
                .last
                .max(columns.times.get(row).copied().unwrap_or(0));
            if metric.series.len() >= 1_000 || metric.points > 50_000 {
                continue;
            }
            let items = items.get_or_insert_with(|| context.store.items(&found.block));
            let Ok(message) = Metric::decode(columns.item(items, row)) else {
                continue;
            };
            if metric.unit.is_empty() && metric.description.is_empty() {
                metric.unit.clone_from(&message.unit);
                metric.description.clone_from(&message.description);
                metric.scope.clone_from(&head.scope.name);
                let status = columns.statuses.get(row).copied().unwrap_or(0);
                metric.kind = metric_kind(columns.kinds.get(row).copied().unwrap_or(0), status);
                metric.temporality = status & 3;
            }
            census(&message, |own, exemplars| {
                let identity = [head.resource_bytes.as_slice(), &encoded(own)].concat();
                metric.series.insert(identity);
                metric.keys.extend(own.iter().map(|it| it.key.clone()));
                metric.exemplars += exemplars.len() as u64;
            });
        }
    }
    let data: Vec<Value> = listed
        .iter()
        .map(|((service, name), it)| {
            json!({
                "service": service.as_ref(),
                "name": name,
                "kind": METRIC_KINDS.get(usize::from(it.kind)),
                "unit": it.unit,
                "description": it.description,
                "temporality": temporality(it.temporality),
                "scope": it.scope,
                "series": it.series.len(),
                "points": it.points,
                "keys": it.keys,
                "last_unix_nanos": it.last.to_string(),
                "exemplars": it.exemplars,
            })
        })
        .collect();
    Ok(envelope(parameters, data.len(), data).into())
}

fn encoded(list: &[opentelemetry_proto::tonic::common::v1::KeyValue]) -> Vec<u8> {
    let mut all: Vec<Vec<u8>> = list
        .iter()
        .map(Message::encode_length_delimited_to_vec)
        .collect();
    all.sort();
    all.concat()
}

fn temporality(number: u8) -> Option<&'static str> {
    match number {
        1 => Some("delta"),
        2 => Some("cumulative"),
        _ => None,
    }
}

pub(super) fn series(context: &Context, parameters: &Parameters) -> Answered {
    let (service, name) = (parameters.text("service"), parameters.text("name"));
    if name.is_empty() {
        return Err(Problem::wrong("name", "is the name of a metric"));
    }
    let mut wanted = crate::query::term("name", "=", name);
    if !service.is_empty() {
        wanted.push(' ');
        wanted.push_str(&crate::query::term("service", "=", service));
    }
    let query = crate::query::parse(Signal::Metrics, &wanted)
        .map_err(|error| Problem::of_query("name", &error))?;
    let filter = parameters.query("filter", Signal::Metrics)?;
    let question = Question::new(Signal::Metrics, query, parameters.window()?);
    let (found, _) = find(&context.store, &question, false)?;
    let rows = ordered(&found);
    let Some(((first_block, first_row), _)) = rows.first().map(|it| ((it.1, it.2), ())) else {
        return Err(Problem::not_found("no such metric is kept for this time"));
    };
    let (from, step, steps) = steps(parameters, &question, &found)?;
    let by = match parameters.get("by") {
        Some("*") => By::Everything,
        _ => match parameters.list("by") {
            Some(keys) if !keys.is_empty() => {
                By::Keys(keys.into_iter().map(str::to_owned).collect())
            }
            _ => By::All,
        },
    };
    let mut history = History::new(from, step, steps, by);
    let mut items: BTreeMap<usize, Arc<Vec<u8>>> = BTreeMap::new();
    let mut first = None;
    for (_, number, row) in &rows {
        question.check()?;
        let Some(Found { block, columns, .. }) = found.get(*number) else {
            continue;
        };
        let bytes = items
            .entry(*number)
            .or_insert_with(|| context.store.items(block));
        let Ok(metric) = Metric::decode(columns.item(bytes, *row)) else {
            continue;
        };
        let resource = columns
            .head(*row)
            .map(|head| head.resource_bytes.as_slice());
        history.add(resource.unwrap_or_default(), &metric, |own| {
            filter == Expression::All || series_fit(&filter, own)
        });
        first.get_or_insert(metric);
    }
    let of_first = |numbers: fn(&crate::store::Columns) -> &Vec<u8>| {
        let found = found.get(first_block);
        found
            .and_then(|it| numbers(&it.columns).get(first_row).copied())
            .unwrap_or(0)
    };
    let status = of_first(|it| &it.statuses);
    let kind = metric_kind(of_first(|it| &it.kinds), status);
    let function = match parameters.text("fn") {
        "" => match kind {
            1 => Function::Rate,
            3 | 4 => Function::Quantile(0.95),
            _ => Function::Value,
        },
        name => Function::named(name).ok_or_else(|| {
            let names: Vec<&str> = Function::NAMES.iter().map(|it| it.0).collect();
            Problem::wrong("fn", &format!("is one of {}", names.join(", ")))
        })?,
    };
    let lines = history.lines(function);
    let series: Vec<Value> = lines
        .iter()
        .take(MAX_LINES)
        .map(|line| {
            let last = line.values.iter().rev().flatten().next();
            json!({ "attributes": attributes(&line.attributes), "values": line.values, "last": last })
        })
        .collect();
    let heatmap = match function {
        Function::Heatmap => history.heatmap(HEATMAP_ROWS),
        _ => None,
    };
    let known = known_traces(context);
    let exemplars: Vec<Value> = history
        .exemplars
        .iter()
        .map(|it| {
            let id = TraceId::try_from(it.trace_id.as_slice()).ok();
            json!({
                "time_unix_nanos": it.time_unix_nano.to_string(),
                "value": double(exemplar_value(it)),
                "trace_id": id.map(|id| hex(&id)),
                "span_id": (it.span_id.len() == 8).then(|| hex(&it.span_id)),
                "attributes": attributes(&it.filtered_attributes),
                "is_here": id.is_some_and(|id| known.contains(&id)),
            })
        })
        .collect();
    let metric = first.unwrap_or_default();
    Ok(json!({
        "format": 1,
        "service": service,
        "name": name,
        "kind": METRIC_KINDS.get(usize::from(kind)),
        "unit": metric.unit,
        "description": metric.description,
        "temporality": temporality(status & 3),
        "fn": function.name(),
        "from_unix_nanos": from.to_string(),
        "step_nanos": step,
        "steps": steps,
        "series": series,
        "series_total": lines.len() as u64 + history.left_out,
        "truncated": lines.len() > MAX_LINES || history.left_out > 0,
        "exemplars": exemplars,
        "heatmap": heatmap.map(|it| json!({ "bounds": it.bounds, "counts": it.counts })),
        "resets": history.resets,
    })
    .into())
}

/// All rows by their times, with the number of their block.
fn ordered(found: &[Found]) -> Vec<(u64, usize, usize)> {
    let mut rows: Vec<(u64, usize, usize)> = found
        .iter()
        .enumerate()
        .flat_map(|(number, found)| {
            let rows = found.rows.iter();
            rows.map(move |row| {
                (
                    found.columns.times.get(row).copied().unwrap_or(0),
                    number,
                    row,
                )
            })
        })
        .collect();
    rows.sort_unstable();
    rows
}

fn steps(
    parameters: &Parameters,
    question: &Question,
    found: &[Found],
) -> Result<(u64, u64, usize), Problem> {
    let rows = ordered(found);
    let window = question.window;
    let first = rows
        .iter()
        .map(|it| it.0)
        .find(|time| *time != 0)
        .unwrap_or(0);
    let last = rows.last().map_or(0, |it| it.0);
    let from = if window.from == 0 { first } else { window.from };
    let to = if window.to == u64::MAX {
        last
    } else {
        window.to
    };
    let length = to.saturating_sub(from).max(1);
    let step = match parameters.duration("step")? {
        Some(step) => step,
        None => (length / STEPS).max(1_000_000_000),
    };
    if length / step >= MAX_STEPS {
        let message = format!("makes more than {MAX_STEPS} steps of this time");
        return Err(Problem::wrong("step", &message));
    }
    // Steps begin at multiples of their length, so that they stay where they are.
    let from = from - from % step;
    Ok((from, step, (to.saturating_sub(from) / step + 1) as usize))
}

fn known_traces(context: &Context) -> HashSet<TraceId> {
    let blocks = context.store.snapshot(Signal::Traces);
    let columns = blocks.iter().map(|block| context.store.columns(block));
    columns.flat_map(|it| it.trace_ids.clone()).collect()
}

pub(super) fn table(context: &Context, parameters: &Parameters) -> Answered {
    let style = parameters.style()?;
    let state = context.store.lock();
    let drawn = table_of::render(&state.metrics, parameters.get("service"), &style);
    Ok(Answer::Text(drawn))
}
