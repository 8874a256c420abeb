//! What each service takes and how it does, and who calls whom.

use serde_json::{Value, json};

use super::{Answered, Context, Parameters};
use crate::otlp::Signal;
use crate::query::KINDS;
use crate::search::services;

pub(super) fn services(context: &Context, parameters: &Parameters) -> Answered {
    let columns = parameters.number("columns", 40, 500)?;
    let question = parameters.question(Signal::Traces)?;
    let all = services::services(&context.store, &question, columns)?;
    let log_records = |name: &str| {
        let state = context.store.lock();
        state
            .totals
            .services
            .get(name)
            .map_or(0, |it| it.log_records)
    };
    let data: Vec<Value> = all
        .services
        .iter()
        .map(|(name, it)| {
            let operations: Vec<Value> = it
                .operations
                .iter()
                .map(|((name, kind), calls)| {
                    json!({
                        "name": name,
                        "kind": KINDS.get(usize::from(*kind)),
                        "calls": calls.count(),
                        "errors": calls.errors,
                        "p50_nanos": calls.quantile(0.5),
                        "p95_nanos": calls.quantile(0.95),
                    })
                })
                .collect();
            json!({
                "name": name.as_ref(),
                "calls": it.calls.count(),
                "errors": it.calls.errors,
                "rate_per_second": it.calls.count() as f64 / all.seconds,
                "p50_nanos": it.calls.quantile(0.5),
                "p95_nanos": it.calls.quantile(0.95),
                "p99_nanos": it.calls.quantile(0.99),
                "spans": it.spans,
                "log_records": log_records(name),
                "operations": operations,
                "sparkline": { "calls": it.calls_over_time, "errors": it.errors_over_time },
            })
        })
        .collect();
    let edges: Vec<Value> = all
        .edges
        .iter()
        .map(|it| {
            json!({
                "from": it.from.as_ref(),
                "to": it.to.as_ref(),
                "kind": it.kind,
                "outside": it.is_outside,
                "calls": it.calls.count(),
                "errors": it.calls.errors,
                "p50_nanos": it.calls.quantile(0.5),
                "p95_nanos": it.calls.quantile(0.95),
                "query": it.query,
            })
        })
        .collect();
    Ok(json!({
        "format": 1,
        "from_unix_nanos": all.from.to_string(),
        "step_nanos": all.step,
        "data": data,
        "edges": edges,
    })
    .into())
}
