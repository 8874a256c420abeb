//! What arrived, what is kept, and what was let go.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answered, Context, Parameters};
use crate::otlp::Signal;
use crate::store::{SignalTotals, State, now};

pub(super) fn status(context: &Context, _: &Parameters) -> Answered {
    let store = &context.store;
    let memory = store.memory();
    let limits = *store.limits();
    let state = store.lock();
    let shares = state.shares();
    let services: Vec<Value> = state
        .totals
        .services
        .iter()
        .map(|(name, it)| {
            let seen = (it.last_seen != 0).then(|| it.last_seen.to_string());
            json!({
                "name": name.as_ref(),
                "spans": it.spans,
                "errors": it.errors,
                "log_records": it.log_records,
                "data_points": it.data_points,
                "bytes": shares.get(name).copied().unwrap_or(0),
                "last_seen_unix_nanos": seen,
            })
        })
        .collect();
    let (bytes, [spans, log_records, metrics]) = state.kept();
    let address = |it: Option<std::net::SocketAddr>| it.map(|it| it.to_string());
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "started_unix_nanos": state.totals.started.to_string(),
        "now_unix_nanos": now().to_string(),
        "addresses": { "grpc": address(context.grpc_address), "http": address(context.http_address) },
        "store": {
            "mode": if state.path.is_some() { "disk" } else { "memory" },
            "path": state.path.as_ref().map(|path| path.display().to_string()),
            "trouble": state.trouble,
            "bytes": bytes,
            "limit_bytes": limits.bytes,
            "memory_bytes": memory,
            "memory_limit_bytes": limits.memory_bytes,
            "age_limit_nanos": limits.age_nanos,
            "oldest_unix_nanos": state.oldest().map(|time| time.to_string()),
            "spans": spans,
            "log_records": log_records,
            "metrics": metrics,
        },
        "services": services,
        "dropped": dropped(&state),
        "refused_requests": state.totals.refused_requests,
        "invalid_spans": state.totals.invalid_spans,
        "duplicate_spans": state.totals.duplicate_spans,
    })
    .into())
}

pub(super) fn dropped(state: &State) -> Vec<Value> {
    let dropped = state.totals.dropped.iter().filter(|(_, count)| **count > 0);
    dropped
        .map(|((service, signal, reason), count)| {
            json!({
                "service": service.as_ref(),
                "signal": signal.name(),
                "reason": reason.name(),
                "count": count,
            })
        })
        .collect()
}

/// The counts alone.
pub(super) fn totals(context: &Context, _: &Parameters) -> Answered {
    let signal = |it: &SignalTotals| json!({ "requests": it.requests, "records": it.records, "bytes": it.bytes });
    let state = context.store.lock();
    let totals = &state.totals;
    let services: BTreeMap<&str, Value> = totals
        .services
        .iter()
        .map(|(name, it)| {
            let counts = json!({
                "spans": it.spans,
                "errors": it.errors,
                "log_records": it.log_records,
                "data_points": it.data_points,
            });
            (name.as_ref(), counts)
        })
        .collect();
    let (_, [spans, log_records, metrics]) = state.kept();
    Ok(json!({
        "traces": signal(&totals.traces),
        "metrics": signal(&totals.metrics),
        "logs": signal(&totals.logs),
        "services": services,
        "duplicate_spans": totals.duplicate_spans,
        "invalid_spans": totals.invalid_spans,
        "dropped_spans": totals.dropped_of(Signal::Traces),
        "dropped_log_records": totals.dropped_of(Signal::Logs),
        "dropped_data_points": totals.dropped_data_points,
        "refused_requests": totals.refused_requests,
        "kept_spans": spans,
        "kept_log_records": log_records,
        "kept_metrics": metrics,
        "kept_series": state.metrics.series_count(),
    })
    .into())
}
