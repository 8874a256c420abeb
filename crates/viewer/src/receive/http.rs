//! OTLP over HTTP with protobuf bodies (OTLP specification, "OTLP/HTTP"). Refusals carry a
//! `google.rpc.Status` as the specification asks, so that exporters can log the reason.

use std::io::Read;

use ::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use prost::Message;
use tonic::body::Body;

use super::{BODY_LIMIT, SharedStore};
use crate::signal::Signal;

const PROTOBUF: &str = "application/x-protobuf";

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

    fn into_response(self) -> Response<Body> {
        // Codes of google.rpc.Code: NOT_FOUND, RESOURCE_EXHAUSTED, INVALID_ARGUMENT.
        let code = match self.status {
            StatusCode::NOT_FOUND => 5,
            StatusCode::PAYLOAD_TOO_LARGE => 8,
            _ => 3,
        };
        let status = RpcStatus {
            code,
            message: self.message,
        };
        respond(self.status, PROTOBUF, status.encode_to_vec())
    }
}

pub(crate) fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    response
}

pub(super) fn not_found() -> Response<Body> {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "OTLP is taken at /v1/traces, /v1/metrics and /v1/logs",
    )
    .into_response()
}

pub(super) async fn export<S: Signal>(
    request: Request<Incoming>,
    store: SharedStore,
) -> Response<Body> {
    match read::<S>(request).await {
        Ok(message) => {
            let response = S::take(&mut store.lock(), message);
            respond(StatusCode::OK, PROTOBUF, response.encode_to_vec())
        }
        Err(refusal) => {
            store.lock().totals.refused_requests += 1;
            refusal.into_response()
        }
    }
}

async fn read<S: Signal>(request: Request<Incoming>) -> Result<S::Request, Refusal> {
    if request.method() != Method::POST {
        return Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "exports are sent with POST",
        ));
    }
    let (head, body) = request.into_parts();
    let content_type = header_text(&head.headers, header::CONTENT_TYPE);
    if content_type.split(';').next().map(str::trim) != Some(PROTOBUF) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("only {PROTOBUF} is understood"),
        ));
    }
    let body = Limited::new(body, BODY_LIMIT)
        .collect()
        .await
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                Refusal::too_large()
            } else {
                Refusal::new(StatusCode::BAD_REQUEST, "the body ended early")
            }
        })?;
    let encoding = header_text(&head.headers, header::CONTENT_ENCODING);
    let bytes = decompress(encoding, body.to_bytes())?;
    S::Request::decode(bytes).map_err(|error| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("not a message of this signal: {error}"),
        )
    })
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .trim()
}

fn decompress(encoding: &str, body: Bytes) -> Result<Bytes, Refusal> {
    match encoding {
        "" | "identity" => Ok(body),
        "gzip" => bounded(MultiGzDecoder::new(body.as_ref())),
        // By RFC 9110 "deflate" has a zlib header; some senders leave it out. A zlib header is a
        // multiple of 31 whose low nibble is 8, and no raw stream we are sent starts like that.
        "deflate" if has_zlib_header(&body) => bounded(ZlibDecoder::new(body.as_ref())),
        "deflate" => bounded(DeflateDecoder::new(body.as_ref())),
        "zstd" => bounded(zstd::stream::read::Decoder::new(body.as_ref()).map_err(undecodable)?),
        other => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("content encoding {other:?} is not one of gzip, deflate, zstd, identity"),
        )),
    }
}

fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [first, second, ..] => first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0,
        _ => false,
    }
}

/// Reads all that a decoder gives, up to the limit: a small body may unfold into gigabytes.
fn bounded(decoder: impl Read) -> Result<Bytes, Refusal> {
    let mut bytes = Vec::new();
    decoder
        .take(BODY_LIMIT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(undecodable)?;
    if bytes.len() > BODY_LIMIT {
        return Err(Refusal::too_large());
    }
    Ok(bytes.into())
}

fn undecodable(error: std::io::Error) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        format!("the body cannot be decompressed: {error}"),
    )
}
