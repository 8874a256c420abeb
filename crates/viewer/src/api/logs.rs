//! Log records: pages of them, patterns, counts over time, what they have.

use serde_json::{Value, json};

use super::traces::{envelope, fields_of, paged};
use super::{Answered, Context, Parameters, Problem, span};
use crate::ids::{hex, span_number, span_text};
use crate::otlp::Signal;
use crate::otlp::value::{attributes, typed};
use crate::search::facets::Facets;
use crate::search::logs::{self, Position};
use crate::search::{find, patterns as of_patterns};
use crate::trace::logs::StoredLog;

pub(super) fn list(context: &Context, parameters: &Parameters) -> Answered {
    let is_newest_first = match parameters.text("sort") {
        "" | "newest" => true,
        "oldest" => false,
        _ => return Err(Problem::wrong("sort", "is newest or oldest")),
    };
    let limit = parameters.number("limit", 100, 1_000)?;
    let after = match parameters.text("before") {
        "" => None,
        text => Some(
            position(text).ok_or_else(|| Problem::wrong("before", "is the `next` of an answer"))?,
        ),
    };
    let question = parameters.question(Signal::Logs)?;
    let page = logs::list(&context.store, &question, is_newest_first, limit, after)?;
    let next = page
        .logs
        .last()
        .filter(|_| page.has_more)
        .map(|it| name(it.0));
    let data: Vec<Value> = page
        .logs
        .iter()
        .map(|(position, log)| record(log, Some(*position)))
        .collect();
    Ok(paged(parameters, page.total, data, next).into())
}

fn name((time, block, row): Position) -> String {
    format!("{time}-{block}-{row}")
}

fn position(name: &str) -> Option<Position> {
    let mut parts = name.split('-');
    let position = (
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    );
    parts.next().is_none().then_some(position)
}

pub(crate) fn record(log: &StoredLog, position: Option<Position>) -> Value {
    let record = &log.record;
    let has_trace = record.trace_id.len() == 16 && record.trace_id.iter().any(|byte| *byte != 0);
    json!({
        "id": position.map(name),
        "time_unix_nanos": log.time().to_string(),
        "observed_unix_nanos": record.observed_time_unix_nano.to_string(),
        "service": log.service.as_ref(),
        "severity": log.severity().word(),
        "severity_number": record.severity_number,
        "severity_text": record.severity_text,
        "body": typed(record.body.as_ref()),
        "event_name": record.event_name,
        "trace_id": has_trace.then(|| hex(&record.trace_id)),
        "span_id": span_text(span_number(&record.span_id)),
        "flags": record.flags,
        "attributes": attributes(&record.attributes),
        "dropped_attributes": record.dropped_attributes_count,
        "scope": span::scope(&log.head),
        "resource": span::resource(&log.head),
    })
}

pub(super) fn facets(context: &Context, parameters: &Parameters) -> Answered {
    let limit = parameters.number("limit", 10, 1_000)?;
    let question = parameters.question(Signal::Logs)?;
    let (found, _) = find(&context.store, &question, false)?;
    let counted = Facets::of(Signal::Logs, &found);
    Ok(json!({
        "format": 1,
        "query": parameters.text("q"),
        "records": counted.records,
        "errors": counted.errors,
        "data": fields_of(&counted, parameters, limit, "records"),
    })
    .into())
}

pub(super) fn patterns(context: &Context, parameters: &Parameters) -> Answered {
    let limit = parameters.number("limit", 50, 1_000)?;
    let question = parameters.question(Signal::Logs)?;
    let patterns = of_patterns::patterns(&context.store, &question)?;
    let data: Vec<Value> = patterns
        .iter()
        .take(limit)
        .map(|it| {
            let services: Vec<&str> = it.services.iter().map(AsRef::as_ref).collect();
            json!({
                "pattern": it.text,
                "count": it.count,
                "severity": it.severity(),
                "services": services,
                "first_unix_nanos": it.first.to_string(),
                "last_unix_nanos": it.last.to_string(),
                "example": it.example,
                "query": it.query(),
            })
        })
        .collect();
    Ok(envelope(parameters, patterns.len(), data).into())
}

pub(super) fn histogram(context: &Context, parameters: &Parameters) -> Answered {
    let columns = parameters.number("columns", 60, 500)?;
    let question = parameters.question(Signal::Logs)?;
    let histogram = logs::histogram(&context.store, &question, columns)?;
    Ok(json!({
        "format": 1,
        "from_unix_nanos": histogram.from.to_string(),
        "step_nanos": histogram.step,
        "counts": histogram.counts,
    })
    .into())
}
