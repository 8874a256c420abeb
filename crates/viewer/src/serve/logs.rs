//! Log records as JSON: the newest of all, or those of one trace.

use http::{Response, StatusCode};
use serde_json::{Value, json};
use tonic::body::Body;

use super::{Query, attributes, find, problem};
use crate::logs::{Severity, StoredLog};
use crate::store::Store;
use crate::text;

const DEFAULT_RECORDS: usize = 100;

/// The records that are asked for.
#[expect(clippy::result_large_err, reason = "made at most once per request")]
pub(super) fn answer(store: &Store, query: &Query<'_>) -> Result<Value, Response<Body>> {
    let least = match query.get("severity") {
        None => Severity::Unspecified,
        Some(name) => Severity::named(name).ok_or_else(|| {
            problem(
                StatusCode::BAD_REQUEST,
                "severity is one of trace, debug, info, warn, error, fatal",
            )
        })?,
    };
    let limit = query.number("limit");
    let is_wanted = |log: &&StoredLog| {
        let service = query.get("service");
        log.severity() >= least && service.is_none_or(|name| log.service.as_ref() == name)
    };
    let records: Vec<Value> = match query.get("trace") {
        Some(named) => {
            // The log records of a trace may be here without it, under its whole id.
            let id = match text::from_hex::<16>(&named.to_lowercase()) {
                Some(id) => id,
                None => find(store, query)?.0,
            };
            let of_trace = store.logs.of_trace(&id).into_iter().filter(is_wanted);
            of_trace
                .take(limit.unwrap_or(usize::MAX))
                .map(record)
                .collect()
        }
        None => {
            let newest = store.logs.newest_first().filter(is_wanted);
            newest
                .take(limit.unwrap_or(DEFAULT_RECORDS))
                .map(record)
                .collect()
        }
    };
    Ok(json!({ "records": records }))
}

fn record(log: &StoredLog) -> Value {
    let record = &log.record;
    json!({
        "service": log.service.as_ref(),
        "scope": log.scope.as_ref(),
        "resource": attributes(&log.resource.attributes),
        "time_unix_nanos": log.time(),
        "severity": log.severity_text(),
        "severity_number": record.severity_number,
        "body": record.body.as_ref().map(|body| text::value(Some(body))),
        "event_name": record.event_name,
        "attributes": attributes(&record.attributes),
        "trace_id": text::hex(&record.trace_id),
        "span_id": text::hex(&record.span_id),
    })
}
