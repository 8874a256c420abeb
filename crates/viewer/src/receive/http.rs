//! OTLP over HTTP (OTLP specification, "OTLP/HTTP"). Answers have the form of the request, JSON or
//! protobuf; refusals carry a `google.rpc.Status`, so that exporters can log the reason.

use ::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use hyper::body::Incoming;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::json;
use tonic::body::Body;

use super::compression::{Unfoldable, unfold};
use super::{BODY_LIMIT, BadBody, Receiver, body, respond};
use crate::otlp::{Signal, json as otlp_json};
use crate::store::{Ending, Outcome, Refused};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
/// What a sender of a span without ids is told.
pub(super) const INVALID: &str =
    "spans without a trace id of 16 bytes and a span id of 8 bytes cannot be kept";

/// `google.rpc.Status` without its details. Field numbers are those of `google/rpc/status.proto`.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// Why a request was not taken.
struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the request is larger than {BODY_LIMIT} bytes"),
        )
    }

    fn into_response(self, is_json: bool) -> Response<Body> {
        // Codes of google.rpc.Code: RESOURCE_EXHAUSTED, UNAVAILABLE, INVALID_ARGUMENT.
        let code = match self.status {
            StatusCode::PAYLOAD_TOO_LARGE => 8,
            StatusCode::SERVICE_UNAVAILABLE => 14,
            _ => 3,
        };
        if is_json {
            let status = json!({ "code": code, "message": self.message });
            return respond(self.status, JSON, status.to_string());
        }
        let status = RpcStatus {
            code,
            message: self.message,
        };
        respond(self.status, PROTOBUF, status.encode_to_vec())
    }
}

impl From<Ending> for Refusal {
    fn from(_: Ending) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the viewer is ending")
    }
}

impl From<Unfoldable> for Refusal {
    fn from(problem: Unfoldable) -> Self {
        match problem {
            Unfoldable::TooLarge => Self::too_large(),
            Unfoldable::Unknown(encoding) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!(
                    "content encoding {encoding:?} is not one of gzip, deflate, zstd, identity"
                ),
            ),
            Unfoldable::Damaged(error) => Self::new(
                StatusCode::BAD_REQUEST,
                format!("the body cannot be decompressed: {error}"),
            ),
        }
    }
}

pub(super) async fn export(
    receiver: &Receiver,
    signal: Signal,
    request: Request<Incoming>,
) -> Response<Body> {
    let content_type = text(request.headers(), header::CONTENT_TYPE);
    let is_json = content_type.split(';').next().map(str::trim) == Some(JSON);
    match take(receiver, signal, request, is_json).await {
        Ok(outcome) => success(signal, &outcome, is_json),
        Err(refusal) => {
            receiver.count_refused();
            refusal.into_response(is_json)
        }
    }
}

async fn take(
    receiver: &Receiver,
    signal: Signal,
    request: Request<Incoming>,
    is_json: bool,
) -> Result<Outcome, Refusal> {
    if request.method() != Method::POST {
        return Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "exports are sent with POST",
        ));
    }
    let (head, incoming) = request.into_parts();
    let content_type = text(&head.headers, header::CONTENT_TYPE);
    if !is_json && content_type.split(';').next().map(str::trim) != Some(PROTOBUF) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("only {PROTOBUF} and {JSON} are understood"),
        ));
    }
    let sent = body(incoming, BODY_LIMIT).await.map_err(|bad| match bad {
        BadBody::TooLarge => Refusal::too_large(),
        BadBody::TooSlow => Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body came too slowly"),
        BadBody::NoRoom => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too much is being sent at once",
        ),
        BadBody::Broken => Refusal::new(StatusCode::BAD_REQUEST, "the body ended early"),
    })?;
    let encoding = text(&head.headers, header::CONTENT_ENCODING).to_owned();
    let message = move || -> Result<Bytes, Refusal> {
        let bytes = unfold(&encoding, sent)?;
        if !is_json {
            return Ok(bytes);
        }
        otlp_json::read(signal, &bytes)
            .map(Bytes::from)
            .map_err(|error| {
                let message = format!("not OTLP/JSON of this signal: {error}");
                Refusal::new(StatusCode::BAD_REQUEST, message)
            })
    };
    match receiver.intake.take(signal, message).await? {
        Ok(outcome) => Ok(outcome),
        Err(Refused::Malformed(what)) => Err(Refusal::new(StatusCode::BAD_REQUEST, what)),
        Err(Refused::TooLarge(what)) => Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, what)),
    }
}

/// The answers of the three signals have the same form; only spans are ever refused in part.
fn success(signal: Signal, outcome: &Outcome, is_json: bool) -> Response<Body> {
    let invalid = outcome.taken.invalid;
    if is_json {
        let answer = if invalid > 0 && signal == Signal::Traces {
            json!({ "partialSuccess": { "rejectedSpans": invalid.to_string(), "errorMessage": INVALID } })
        } else {
            json!({})
        };
        return respond(StatusCode::OK, JSON, answer.to_string());
    }
    respond(StatusCode::OK, PROTOBUF, partial(outcome).encode_to_vec())
}

pub(super) fn partial(outcome: &Outcome) -> ExportTraceServiceResponse {
    let invalid = outcome.taken.invalid;
    ExportTraceServiceResponse {
        partial_success: (invalid > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(invalid).unwrap_or(i64::MAX),
            error_message: INVALID.to_owned(),
        }),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .trim()
}
