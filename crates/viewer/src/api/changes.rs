//! What changes something: pins, named moments, clearing, import. A page of a foreign site cannot
//! send the header that is asked for without being asked first whether it may, and it may not.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::{Answer, Answered, Context, Parameters, Problem};
use crate::ids::from_hex;
use crate::otlp::{Signal, json as otlp_json};
use crate::store::{Ending, Intake};

/// Bytes of a change.
const MAX_BODY: usize = 64 * 1024;
/// Bytes of an import, and of one document in it.
const MAX_IMPORT: usize = 256 * 1024 * 1024;
const MAX_NAME: usize = 100;

impl From<Ending> for Problem {
    fn from(_: Ending) -> Self {
        Self::ending()
    }
}

/// The intake, if the request is one that may change something.
async fn allowed(
    context: &Context,
    request: Request,
    limit: usize,
) -> Result<(Intake, bytes::Bytes), Problem> {
    let headers = request.headers();
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok());
    let is_json = content_type.is_some_and(|it| {
        let kind = it.split(';').next().unwrap_or_default().trim();
        matches!(kind, "application/json" | "application/x-ndjson")
    });
    if !is_json {
        let message = "changes are sent as application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    if headers.get("x-oxitel").is_none_or(|it| it != "1") {
        let message = "changes need the header `x-oxitel: 1`";
        return Err(Problem::new(StatusCode::FORBIDDEN, message));
    }
    let intake = context.intake.clone().ok_or_else(Problem::ending)?;
    let body: Body = request.into_body();
    let read = tokio::time::timeout(std::time::Duration::from_secs(60), to_bytes(body, limit));
    match read.await {
        Ok(Ok(body)) => Ok((intake, body)),
        Ok(Err(_)) => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("the body is larger than {limit} bytes"),
        )),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body came too slowly",
        )),
    }
}

async fn document(context: &Context, request: Request) -> Result<(Intake, Value), Problem> {
    let (intake, body) = allowed(context, request, MAX_BODY).await?;
    let document = serde_json::from_slice(&body)
        .map_err(|error| Problem::wrong("body", &format!("is no JSON: {error}")))?;
    Ok((intake, document))
}

fn answered(result: Result<Value, Problem>) -> Response {
    match result {
        Ok(value) => Answer::Json(value).into_response(),
        Err(problem) => problem.into_response(),
    }
}

pub(super) async fn pin(State(context): State<Context>, request: Request) -> Response {
    answered(
        async {
            let (intake, document) = document(&context, request).await?;
            let id = document
                .get("trace_id")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let id = from_hex(&id.to_ascii_lowercase())
                .ok_or_else(|| Problem::wrong("trace_id", "is 32 hexadecimal digits"))?;
            let is_pinned = match document.get("pinned") {
                None => true,
                Some(Value::Bool(pinned)) => *pinned,
                Some(_) => return Err(Problem::wrong("pinned", "is true or false")),
            };
            intake.pin(id, is_pinned).await?;
            Ok(json!({ "pinned": is_pinned }))
        }
        .await,
    )
}

pub(super) async fn snapshot(State(context): State<Context>, request: Request) -> Response {
    answered(
        async {
            let (intake, document) = document(&context, request).await?;
            let name = document
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            mark(&intake, name).await
        }
        .await,
    )
}

/// Gives this moment a name.
pub(super) async fn mark(intake: &Intake, name: &str) -> Result<Value, Problem> {
    if name.is_empty() || name.len() > MAX_NAME || name == "now" {
        let message = format!("is a text of 1 to {MAX_NAME} bytes, and not `now`");
        return Err(Problem::wrong("name", &message));
    }
    let moment = intake.mark(name.to_owned()).await?;
    Ok(json!({ "name": name, "time_unix_nanos": moment.to_string() }))
}

pub(super) fn snapshots(context: &Context, _: &Parameters) -> Answered {
    let state = context.store.lock();
    let data: Vec<Value> = state
        .moments
        .iter()
        .map(|(name, time)| json!({ "name": name, "time_unix_nanos": time.to_string() }))
        .collect();
    Ok(json!({ "format": 1, "data": data }).into())
}

pub(super) async fn clear(State(context): State<Context>, request: Request) -> Response {
    answered(
        async {
            let (intake, document) = document(&context, request).await?;
            let [spans, log_records, metrics] = intake.clear(service(&document)?).await?;
            let cleared = json!({ "spans": spans, "log_records": log_records, "metrics": metrics });
            Ok(json!({ "cleared": cleared }))
        }
        .await,
    )
}

/// Whose records go; `None` for all, which nothing but an empty object asks for.
fn service(document: &Value) -> Result<Option<String>, Problem> {
    let fields = document.as_object();
    match fields.map(|it| (it.len(), it.get("service"))) {
        Some((0, _)) => Ok(None),
        Some((1, Some(Value::String(service)))) => Ok(Some(service.clone())),
        _ => Err(Problem::wrong(
            "body",
            "is {\"service\": \"NAME\"}, or {} for all of them",
        )),
    }
}

pub(super) async fn stop(State(context): State<Context>, request: Request) -> Response {
    answered(
        async {
            allowed(&context, request, MAX_BODY).await?;
            context.stopping.notify_one();
            Ok(json!({ "pid": std::process::id() }))
        }
        .await,
    )
}

pub(super) async fn import(State(context): State<Context>, request: Request) -> Response {
    answered(
        async {
            let (intake, body) = allowed(&context, request, MAX_IMPORT).await?;
            let (mut spans, mut log_records, mut data_points) = (0, 0, 0);
            for (number, line) in body.split(|byte| *byte == b'\n').enumerate() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let mut is_otlp = false;
                for (signal, key) in [
                    (Signal::Traces, &b"\"resourceSpans\""[..]),
                    (Signal::Logs, b"\"resourceLogs\""),
                    (Signal::Metrics, b"\"resourceMetrics\""),
                ] {
                    if !line.windows(key.len()).any(|it| it == key) {
                        continue;
                    }
                    is_otlp = true;
                    let line = body.slice_ref(line);
                    let read = move || {
                        otlp_json::read(signal, &line)
                            .map(bytes::Bytes::from)
                            .map_err(|error| {
                                Problem::wrong("line", &format!("{}: {error}", number + 1))
                            })
                    };
                    match intake.take(signal, read).await? {
                        Ok(outcome) => match signal {
                            Signal::Traces => spans += outcome.taken.records,
                            Signal::Logs => log_records += outcome.taken.records,
                            Signal::Metrics => data_points += outcome.taken.points,
                        },
                        Err(refused) => {
                            let message = format!("{}: {refused}", number + 1);
                            return Err(Problem::wrong("line", &message));
                        }
                    }
                }
                if !is_otlp {
                    let message = "has none of resourceSpans, resourceLogs, resourceMetrics";
                    let message = format!("{}: {message}", number + 1);
                    return Err(Problem::wrong("line", &message));
                }
            }
            Ok(json!({ "spans": spans, "log_records": log_records, "data_points": data_points }))
        }
        .await,
    )
}
