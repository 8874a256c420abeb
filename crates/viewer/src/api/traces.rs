//! Lists of traces, what their spans have, how long they took, and what some have in common.

use serde_json::{Value, json};

use super::{Answered, Context, Parameters, Problem};
use crate::ids::{from_hex, hex};
use crate::otlp::Signal;
use crate::otlp::value;
use crate::search::facets::{Facet, Facets};
use crate::search::traces::{self, Listed, Position, Sort};
use crate::search::{find, heatmap, shares};
use crate::store::columns::NONE;

pub(super) fn list(context: &Context, parameters: &Parameters) -> Answered {
    let sort = match parameters.get("sort") {
        None | Some("") => Sort::default(),
        Some(name) => Sort::named(name).ok_or_else(|| {
            let names: Vec<&str> = Sort::NAMES.iter().map(|it| it.0).collect();
            Problem::wrong("sort", &format!("is one of {}", names.join(", ")))
        })?,
    };
    let limit = parameters.number("limit", 100, 1_000)?;
    let after = match parameters.text("before") {
        "" => None,
        text => Some(
            position(text).ok_or_else(|| Problem::wrong("before", "is the `next` of an answer"))?,
        ),
    };
    let question = parameters.question(Signal::Traces)?;
    let page = traces::list(&context.store, &question, sort, limit, after)?;
    let data: Vec<Value> = page.listed.iter().map(one).collect();
    let next = page
        .next
        .map(|((rank, time), id)| format!("{rank}-{time}-{}", hex(&id)));
    Ok(paged(parameters, page.total, data, next).into())
}

fn position(name: &str) -> Option<Position> {
    let mut parts = name.split('-');
    let rank = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let id = from_hex::<16>(parts.next()?)?;
    parts.next().is_none().then_some((rank, id))
}

/// What lists answer of which a part is told at a time.
pub(super) fn paged(
    parameters: &Parameters,
    total: usize,
    data: Vec<Value>,
    next: Option<String>,
) -> Value {
    let mut answer = envelope(parameters, total, data);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("truncated".to_owned(), json!(next.is_some()));
        fields.insert("next".to_owned(), json!(next));
    }
    answer
}

/// What every list answers.
pub(super) fn envelope(parameters: &Parameters, total: usize, data: Vec<Value>) -> Value {
    json!({
        "format": 1,
        "query": parameters.text("q"),
        "total": total,
        "returned": data.len(),
        "truncated": data.len() < total,
        "data": data,
    })
}

pub(super) fn one(listed: &Listed) -> Value {
    let it = &listed.summary;
    let services: Vec<Value> = it
        .services
        .iter()
        .map(|part| json!({ "name": part.name.as_ref(), "spans": part.spans, "errors": part.errors }))
        .collect();
    json!({
        "trace_id": hex(&it.id),
        "root_name": it.root_name.as_ref(),
        "root_service": it.root_service.as_ref(),
        "start_unix_nanos": it.start.to_string(),
        "duration_nanos": it.duration(),
        "spans": it.spans,
        "matched": listed.matched,
        "errors": it.errors,
        "services": services,
        "complete": it.is_complete,
        "pinned": it.is_pinned,
    })
}

pub(super) fn facets(context: &Context, parameters: &Parameters) -> Answered {
    let limit = parameters.number("limit", 10, 1_000)?;
    let question = parameters.question(Signal::Traces)?;
    let (found, _) = find(&context.store, &question, false)?;
    let counted = Facets::of(Signal::Traces, &found);
    question.check()?;
    let mut traces = std::collections::HashSet::new();
    for found in &found {
        let mut here = vec![false; found.columns.trace_ids.len()];
        for row in found.rows.iter() {
            let trace = found.columns.traces.get(row).copied().unwrap_or(NONE);
            if let Some(is_here) = here.get_mut(trace as usize) {
                *is_here = true;
            }
        }
        let ids = found.columns.trace_ids.iter().zip(here);
        traces.extend(ids.filter(|(_, is_here)| *is_here).map(|(id, _)| *id));
    }
    let fields = fields_of(&counted, parameters, limit, "spans");
    Ok(json!({
        "format": 1,
        "query": parameters.text("q"),
        "spans": counted.records,
        "errors": counted.errors,
        "traces": traces.len(),
        "data": fields,
    })
    .into())
}

pub(super) fn fields_of(
    facets: &Facets,
    parameters: &Parameters,
    limit: usize,
    noun: &str,
) -> Vec<Value> {
    let asked = parameters.list("keys").filter(|keys| !keys.is_empty());
    let fields: Vec<String> = match asked {
        Some(keys) => keys.into_iter().map(str::to_owned).collect(),
        None => facets.common(20).iter().map(ToString::to_string).collect(),
    };
    let told = fields.iter().map(|field| {
        let values = facets.fields.get(field.as_str());
        let top: Vec<Value> = facets
            .top(field, limit)
            .iter()
            .map(|it| told(it, noun))
            .collect();
        json!({
            "field": field,
            noun: values.map_or(0, |it| it.records),
            "distinct": values.map_or(0, |it| it.counts.len() as u64 + it.more),
            "values": top,
        })
    });
    told.collect()
}

fn told(facet: &Facet, noun: &str) -> Value {
    let (kind, value) = value::parts(Some(&facet.value));
    json!({
        "type": kind,
        "value": value,
        noun: facet.count.records,
        "errors": facet.count.errors,
        "query": facet.query,
    })
}

pub(super) fn heatmap(context: &Context, parameters: &Parameters) -> Answered {
    let columns = parameters.number("columns", 60, 500)?;
    let rows = parameters.number("rows", 24, 100)?;
    let question = parameters.question(Signal::Traces)?;
    let map = match parameters.text("of") {
        "" | "traces" => heatmap::of_traces(&context.store, &question, columns, rows)?,
        "spans" => heatmap::of_spans(&context.store, &question, columns, rows)?,
        _ => return Err(Problem::wrong("of", "is traces or spans")),
    };
    Ok(json!({
        "format": 1,
        "from_unix_nanos": map.from.to_string(),
        "step_nanos": map.step,
        "bounds_nanos": map.bounds,
        "counts": map.counts,
        "errors": map.errors,
        "total": map.total,
    })
    .into())
}

pub(super) fn shares(context: &Context, parameters: &Parameters) -> Answered {
    let limit = parameters.number("limit", 30, 500)?;
    let question = parameters.question(Signal::Traces)?;
    let against = match parameters.text("against") {
        "" => None,
        _ => Some(crate::search::Question::new(
            Signal::Traces,
            parameters.query("against", Signal::Traces)?,
            question.window,
        )),
    };
    let found = shares::compare(&context.store, &question, against.as_ref(), limit)?;
    let data: Vec<Value> = found
        .shares
        .iter()
        .map(|it| {
            let (kind, value) = value::parts(Some(&it.facet.value));
            json!({
                "field": it.field.as_ref(),
                "type": kind,
                "value": value,
                "spans": it.facet.count.records,
                "share": it.share,
                "against_spans": it.against,
                "against_share": it.against_share,
                "difference": it.difference(),
                "query": it.facet.query,
            })
        })
        .collect();
    Ok(json!({
        "format": 1,
        "query": parameters.text("q"),
        "against": parameters.text("against"),
        "spans": found.spans,
        "against_spans": found.against_spans,
        "data": data,
    })
    .into())
}
