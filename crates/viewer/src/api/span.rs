//! One span, whole, and how it compares with others of its kind.

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};

use super::{Answered, Context, Parameters, Problem, logs};
use crate::ids::{TraceId, from_hex, hex, span_number, span_text};
use crate::otlp::Signal;
use crate::otlp::value::{attributes, double};
use crate::query::{self, term};
use crate::search::services::nearest;
use crate::search::traces::{NotFound, named};
use crate::search::{Question, Window, find};
use crate::store::columns::ENDLESS;
use crate::store::{Head, Store};
use crate::trace::{StoredSpan, Trace, logs_of, status_code};

pub(super) fn whole(context: &Context, parameters: &Parameters) -> Answered {
    let id = named(&context.store, parameters.get("id").unwrap_or("latest"))?;
    let wanted = from_hex::<8>(&parameters.text("span").to_ascii_lowercase())
        .map(u64::from_be_bytes)
        .ok_or_else(|| Problem::wrong("span", "is a span id of 16 hexadecimal digits"))?;
    let found = Trace::fetch_span(&context.store, &id, wanted);
    let Some(stored) = &found else {
        if !Trace::is_kept(&context.store, &id) {
            return Err(NotFound::NotKept.into());
        }
        return Err(Problem::not_found("the trace has no such span"));
    };
    let log_records: Vec<Value> = logs_of(&context.store, &id)
        .iter()
        .filter(|log| span_number(&log.record.span_id) == wanted)
        .map(|log| logs::record(log, None))
        .collect();
    let mut told = span(stored);
    if let Some(fields) = told.as_object_mut() {
        fields.insert("log_records".to_owned(), log_records.into());
        fields.insert("links".to_owned(), links(&context.store, &stored.span));
        fields.insert("usual".to_owned(), usual(&context.store, stored)?);
    }
    Ok(told.into())
}

/// A span without what has to be looked for elsewhere.
pub(crate) fn span(stored: &StoredSpan) -> Value {
    let span = &stored.span;
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    let kind = SpanKind::try_from(span.kind).unwrap_or_default();
    let events: Vec<Value> = span
        .events
        .iter()
        .map(|event| {
            json!({
                "name": event.name,
                "time_unix_nanos": event.time_unix_nano.to_string(),
                "offset_nanos": event.time_unix_nano.saturating_sub(start),
                "attributes": attributes(&event.attributes),
                "dropped_attributes": event.dropped_attributes_count,
            })
        })
        .collect();
    json!({
        "trace_id": hex(&span.trace_id),
        "span_id": hex(&span.span_id),
        "parent_span_id": span_text(span_number(&span.parent_span_id)),
        "service": stored.service.as_ref(),
        "name": span.name,
        "kind": kind.as_str_name().trim_start_matches("SPAN_KIND_").to_lowercase(),
        "status": status_code(span).as_str_name().trim_start_matches("STATUS_CODE_").to_lowercase(),
        "status_message": span.status.as_ref().map_or("", |status| &status.message),
        "start_unix_nanos": start.to_string(),
        "end_unix_nanos": end.to_string(),
        "duration_nanos": end.checked_sub(start).filter(|_| start != 0),
        "trace_state": span.trace_state,
        "flags": span.flags,
        "attributes": attributes(&span.attributes),
        "dropped_attributes": span.dropped_attributes_count,
        "events": events,
        "dropped_events": span.dropped_events_count,
        "dropped_links": span.dropped_links_count,
        "resource": resource(&stored.head),
        "scope": scope(&stored.head),
    })
}

pub(super) fn resource(head: &Head) -> Value {
    json!({
        "attributes": attributes(&head.resource.attributes),
        "dropped_attributes": head.resource.dropped_attributes_count,
        "schema_url": head.resource_schema_url,
    })
}

pub(super) fn scope(head: &Head) -> Value {
    json!({
        "name": head.scope.name,
        "version": head.scope.version,
        "attributes": attributes(&head.scope.attributes),
        "dropped_attributes": head.scope.dropped_attributes_count,
        "schema_url": head.scope_schema_url,
    })
}

fn links(store: &Store, span: &Span) -> Value {
    let told = span.links.iter().map(|link| {
        let id = TraceId::try_from(link.trace_id.as_slice()).ok();
        let is_own = link.trace_id == span.trace_id;
        let is_here = is_own || id.is_some_and(|id| Trace::is_kept(store, &id));
        json!({
            "trace_id": hex(&link.trace_id),
            "span_id": hex(&link.span_id),
            "trace_state": link.trace_state,
            "attributes": attributes(&link.attributes),
            "dropped_attributes": link.dropped_attributes_count,
            "is_here": is_here,
        })
    });
    told.collect()
}

/// Where the span's duration stands among those of the same service, name and kind.
fn usual(store: &Store, stored: &StoredSpan) -> Result<Value, Problem> {
    let span = &stored.span;
    let Some(duration) = span
        .end_time_unix_nano
        .checked_sub(span.start_time_unix_nano)
    else {
        return Ok(Value::Null);
    };
    let kind = SpanKind::try_from(span.kind).unwrap_or_default();
    let kind = kind
        .as_str_name()
        .trim_start_matches("SPAN_KIND_")
        .to_lowercase();
    let text = [
        term("service", "=", &stored.service),
        term("name", "=", &span.name),
        term("kind", "=", &kind),
    ]
    .join(" ");
    let Ok(query) = query::parse(Signal::Traces, &text) else {
        return Ok(Value::Null);
    };
    let question = Question::new(Signal::Traces, query, Window::ALL);
    let (found, _) = find(store, &question, false)?;
    let mut durations: Vec<u64> = found
        .iter()
        .flat_map(|found| {
            let rows = found.rows.iter();
            rows.filter_map(|row| found.columns.durations.get(row).copied())
        })
        .filter(|duration| *duration != ENDLESS)
        .collect();
    durations.sort_unstable();
    let slower = durations.partition_point(|it| *it < duration);
    let part = slower as f64 / durations.len().max(1) as f64;
    Ok(json!({
        "count": durations.len(),
        "slower_than": double(part),
        "p50_nanos": nearest(&durations, 0.5),
        "p95_nanos": nearest(&durations, 0.95),
        "p99_nanos": nearest(&durations, 0.99),
        "query": text,
    }))
}
