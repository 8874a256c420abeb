//! Two traces or two sets of traces against each other.

use serde_json::{Value, json};

use super::{Answered, Context, Parameters, Problem};
use crate::compare::{self, Change, Figures, Side, Verdict};
use crate::otlp::Signal;
use crate::query::{self, Expression, KINDS};
use crate::search::Window;

pub(super) fn compare(context: &Context, parameters: &Parameters) -> Answered {
    let a = side(context, parameters, "a")?;
    let b = side(context, parameters, "b")?;
    let found = compare::compare(&context.store, &a, &b)?;
    let nodes: Vec<Value> = found
        .nodes
        .iter()
        .map(|node| {
            json!({
                "depth": node.depth,
                "service": node.service.as_ref(),
                "name": node.name,
                "kind": KINDS.get(usize::from(node.kind)),
                "change": match node.change {
                    Change::Equal => "equal",
                    Change::Changed => "changed",
                    Change::Added => "added",
                    Change::Removed => "removed",
                },
                "a": node.a.as_ref().map(figures),
                "b": node.b.as_ref().map(figures),
                "effect_nanos": node.effect,
                "verdict": word(node.verdict),
            })
        })
        .collect();
    let attributes: Vec<Value> = found
        .attributes
        .iter()
        .map(|it| json!({ "service": it.service.as_ref(), "name": it.name, "key": it.key, "a": it.a, "b": it.b }))
        .collect();
    let total = |label: &str, it: &compare::Total| {
        json!({
            "label": label,
            "traces": it.traces,
            "spans": it.spans,
            "errors": it.errors,
            "p50_nanos": it.p50,
            "p95_nanos": it.p95,
            "mean_spans": it.spans as f64 / it.traces.max(1) as f64,
        })
    };
    Ok(json!({
        "format": 1,
        "verdict": word(found.verdict),
        "text": found.text,
        "a": total(&a.label, &found.a),
        "b": total(&b.label, &found.b),
        "nodes": nodes,
        "attributes": attributes,
    })
    .into())
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Worse => "worse",
        Verdict::Better => "better",
        Verdict::Same => "same",
        Verdict::TooFew => "too few",
    }
}

fn figures(it: &Figures) -> Value {
    json!({
        "count": it.count,
        "total_nanos": it.total,
        "self_nanos": it.own,
        "errors": it.errors,
    })
}

/// What one side is: a trace, a moment with a name, or a query.
fn side(context: &Context, parameters: &Parameters, key: &str) -> Result<Side, Problem> {
    let text = parameters.text(key);
    let asked = parameters.window()?;
    let moments = context.store.lock().moments.clone();
    let last = moments.last().map_or(0, |it| it.1);
    if text == "now" {
        let window = Window {
            from: asked.from.max(last),
            to: asked.to,
        };
        return Ok(Side::new("now", Expression::All, window));
    }
    if let Some(name) = text.strip_prefix("snapshot:") {
        let position = moments.iter().position(|it| it.0 == name);
        let (position, to) = position
            .and_then(|it| Some((it, moments.get(it)?.1)))
            .ok_or_else(|| Problem::not_found(&format!("there is no snapshot {name:?}")))?;
        let before = position.checked_sub(1).and_then(|it| moments.get(it));
        let window = Window {
            from: before.map_or(0, |it| it.1),
            to,
        };
        return Ok(Side::new(name, Expression::All, window));
    }
    if text.is_empty() {
        return Err(Problem::wrong(
            key,
            "is a query, trace:ID, snapshot:NAME or now",
        ));
    }
    let query = query::parse(Signal::Traces, text).map_err(|it| Problem::of_query(key, &it))?;
    Ok(Side::new(text, query, asked))
}
