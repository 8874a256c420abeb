//! Answers questions about what arrived: GET /api/totals, /api/traces, /api/trace, /api/waterfall,
//! /api/logs, /api/metrics and /api/metrics-table. To this machine only, and not to web pages that
//! came in under a name of their own: telemetry holds other people's data.

mod logs;
mod metrics;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use http::{Method, Request, Response, StatusCode, header};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};
use tonic::body::Body;

use crate::metrics::table;
use crate::receive::{SharedStore, respond};
use crate::store::{SignalTotals, Store, StoredSpan, Trace, TraceId, status_code};
use crate::text;
use crate::waterfall::{self, DEFAULT_WIDTH, Style};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const DEFAULT_TRACES: usize = 100;
/// Fewer digits of a trace id than this name too many traces.
const MIN_PREFIX: usize = 4;
const HELP: &str = "\
oxitel-viewer takes OTLP and answers:

GET /api/totals                  what arrived, by signal and service
GET /api/traces                  the newest traces; service=NAME (again for a second one),
                                 name=ROOT, errors=0|1, limit=N
GET /api/trace?trace=ID          every span of a trace
GET /api/waterfall?trace=ID      a trace drawn for a terminal; ID may be
                                 its first digits, latest, slowest or failed;
                                 width=N, colour=0|1, unicode=0|1, details=0|1, all=0|1
GET /api/logs                    the newest log records; trace=ID for those of a trace, by time;
                                 service=NAME, severity=WARN (and worse), limit=N
GET /api/metrics                 every metric with its series; service=NAME, name=METRIC
GET /api/metrics-table           the metrics drawn for a terminal; service=NAME,
                                 width=N, colour=0|1, unicode=0|1, all=0|1
";

pub(crate) fn answer<B>(
    request: &Request<B>,
    peer: SocketAddr,
    store: &SharedStore,
) -> Response<Body> {
    if !peer.ip().to_canonical().is_loopback() || !names_this_machine(request) {
        return problem(
            StatusCode::FORBIDDEN,
            "only programs of this machine are answered",
        );
    }
    if request.method() != Method::GET {
        return problem(
            StatusCode::METHOD_NOT_ALLOWED,
            "questions are asked with GET",
        );
    }
    let query = Query::new(request.uri().query().unwrap_or_default());
    let store = store.lock();
    match request.uri().path() {
        "/" => respond(StatusCode::OK, TEXT, HELP),
        "/api/totals" => reply(&totals(&store)),
        "/api/traces" => reply(&traces(&store, &query)),
        "/api/trace" => match find(&store, &query) {
            Ok((id, trace)) => reply(&whole_trace(&id, trace)),
            Err(problem) => problem,
        },
        "/api/waterfall" => match find(&store, &query) {
            Ok((id, trace)) => respond(
                StatusCode::OK,
                TEXT,
                waterfall::render(&id, trace, &store.logs.of_trace(&id), &query.style()),
            ),
            Err(problem) => problem,
        },
        "/api/logs" => match logs::answer(&store, &query) {
            Ok(found) => reply(&found),
            Err(problem) => problem,
        },
        "/api/metrics" => reply(&metrics::answer(&store, &query)),
        "/api/metrics-table" => {
            let table = table::render(&store.metrics, query.get("service"), &query.style());
            respond(StatusCode::OK, TEXT, table)
        }
        _ => problem(
            StatusCode::NOT_FOUND,
            "there is no such question; GET / lists them",
        ),
    }
}

fn reply(value: &Value) -> Response<Body> {
    respond(StatusCode::OK, JSON, value.to_string())
}

fn problem(status: StatusCode, message: &str) -> Response<Body> {
    respond(status, JSON, json!({ "error": message }).to_string())
}

/// A page of a foreign site whose name was made to point here still sends that name.
fn names_this_machine<B>(request: &Request<B>) -> bool {
    let host = match request.uri().host() {
        Some(host) => host,
        None => {
            let header = request.headers().get(header::HOST);
            let host = header
                .and_then(|host| host.to_str().ok())
                .unwrap_or_default();
            match host.rsplit_once(':') {
                Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
                _ => host,
            }
        }
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The question's parameters, decoded.
struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    fn new(query: &'a str) -> Self {
        let decode = |text: &'a str| percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self(
            pairs
                .map(|(key, value)| (decode(key), decode(value)))
                .collect(),
        )
    }

    fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == key)
            .map(|(_, value)| value.as_ref())
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<usize> {
        self.get(key)?.parse().ok()
    }

    fn style(&self) -> Style {
        Style {
            width: self.number("width").unwrap_or(DEFAULT_WIDTH),
            colour: self.flag("colour").unwrap_or(false),
            unicode: self.flag("unicode").unwrap_or(true),
            details: self.flag("details").unwrap_or(true),
            all: self.flag("all").unwrap_or(false),
        }
    }
}

fn totals(store: &Store) -> Value {
    let signal = |totals: &SignalTotals| json!({ "requests": totals.requests, "records": totals.records, "bytes": totals.bytes });
    let totals = &store.totals;
    let services: BTreeMap<&str, Value> = totals
        .services
        .iter()
        .map(|(name, it)| {
            (
                name.as_ref(),
                json!({
                    "spans": it.spans,
                    "errors": it.errors,
                    "log_records": it.log_records,
                    "data_points": it.data_points,
                }),
            )
        })
        .collect();
    json!({
        "traces": signal(&totals.traces),
        "metrics": signal(&totals.metrics),
        "logs": signal(&totals.logs),
        "services": services,
        "duplicate_spans": totals.duplicate_spans,
        "invalid_spans": totals.invalid_spans,
        "dropped_spans": totals.dropped_spans,
        "dropped_log_records": totals.dropped_log_records,
        "dropped_data_points": totals.dropped_data_points,
        "refused_requests": totals.refused_requests,
        "kept_spans": store.span_count(),
        "kept_traces": store.trace_count(),
        "kept_log_records": store.logs.len(),
        "kept_series": store.metrics.series_count(),
    })
}

fn traces(store: &Store, query: &Query<'_>) -> Value {
    let limit = query.number("limit").unwrap_or(DEFAULT_TRACES);
    let matching = store.newest_first().filter(|(_, trace)| {
        let has = |service: &str| trace.spans.iter().any(|it| it.service.as_ref() == service);
        query.all("service").all(has)
            && query
                .flag("errors")
                .is_none_or(|wanted| trace.spans.iter().any(StoredSpan::is_error) == wanted)
            && query
                .get("name")
                .is_none_or(|name| trace.root().is_some_and(|root| root.span.name == name))
    });
    json!({ "traces": matching.take(limit).map(|(id, trace)| summary(id, trace)).collect::<Vec<_>>() })
}

fn summary(id: &TraceId, trace: &Trace) -> Value {
    let root = trace.root();
    json!({
        "trace_id": text::hex(id),
        "root": root.map(|it| it.span.name.as_str()),
        "root_service": root.map(|it| it.service.as_ref()),
        "services": trace.services(),
        "spans": trace.spans.len() as u64 + trace.left_out,
        "errors": trace.errors(),
        "start_unix_nanos": trace.range().0,
        "duration_nanos": trace.duration(),
    })
}

fn attributes(list: &[KeyValue]) -> serde_json::Map<String, Value> {
    list.iter()
        .map(|it| {
            (
                it.key.clone(),
                Value::String(text::value(it.value.as_ref())),
            )
        })
        .collect()
}

fn whole_trace(id: &TraceId, trace: &Trace) -> Value {
    let spans: Vec<Value> = trace
        .spans
        .iter()
        .map(|stored| {
            let span = &stored.span;
            let kind = SpanKind::try_from(span.kind).unwrap_or_default();
            let events: Vec<Value> = span
                .events
                .iter()
                .map(|event| {
                    json!({
                        "name": event.name,
                        "time_unix_nanos": event.time_unix_nano,
                        "attributes": attributes(&event.attributes),
                    })
                })
                .collect();
            json!({
                "service": stored.service.as_ref(),
                "scope": stored.scope.as_ref(),
                "resource": attributes(&stored.resource.attributes),
                "name": span.name,
                "span_id": text::hex(&span.span_id),
                "parent_span_id": text::hex(&span.parent_span_id),
                "kind": kind.as_str_name().trim_start_matches("SPAN_KIND_").to_lowercase(),
                "start_unix_nanos": span.start_time_unix_nano,
                "end_unix_nanos": span.end_time_unix_nano,
                "status": status_code(span).as_str_name().trim_start_matches("STATUS_CODE_").to_lowercase(),
                "status_message": span.status.as_ref().map(|status| status.message.as_str()),
                "attributes": attributes(&span.attributes),
                "events": events,
                "links": span.links.len(),
            })
        })
        .collect();
    json!({ "trace_id": text::hex(id), "spans": spans })
}

/// The trace the question is about. Its failure is the answer to give, hence its size.
#[expect(clippy::result_large_err, reason = "made at most once per request")]
fn find<'a>(store: &'a Store, query: &Query<'_>) -> Result<(TraceId, &'a Trace), Response<Body>> {
    let named = query.get("trace").unwrap_or("latest");
    let found = match named {
        "latest" => store.newest_first().next(),
        "slowest" => store
            .newest_first()
            .max_by_key(|(_, trace)| trace.duration()),
        "failed" => store
            .newest_first()
            .find(|(_, trace)| trace.spans.iter().any(StoredSpan::is_error)),
        hex => {
            let digits = hex.to_lowercase();
            let is_prefix = (MIN_PREFIX..=32).contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            if !is_prefix {
                return Err(problem(
                    StatusCode::BAD_REQUEST,
                    "trace is the first 4 to 32 digits of an id, or one of latest, slowest, failed",
                ));
            }
            match text::from_hex::<16>(&digits) {
                Some(id) => store.trace(&id),
                None => store
                    .newest_first()
                    .find(|(id, _)| text::hex(*id).starts_with(&digits)),
            }
        }
    };
    found
        .map(|(id, trace)| (*id, trace))
        .ok_or_else(|| problem(StatusCode::NOT_FOUND, "no such trace is kept here"))
}

#[cfg(test)]
mod tests;
