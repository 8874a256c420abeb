//! OTLP/gRPC: one unary call over HTTP/2 (grpc.io, "gRPC over HTTP2"), small enough to write here.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri, Version};

use super::answer::{Answer, Reason, Trouble, TroubleKind, excerpt};
use crate::otlp::read;
use crate::text::{base64_decode, percent_decode_bytes};

/// Compressed flag and length in front of every message.
pub(crate) const PREFIX_LEN: usize = 5;
/// The most that is read of an answer.
const MAX_ANSWER: usize = 4 << 20;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The official exporters' default: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED,
/// OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS.
pub const RETRYABLE_CODES: [u32; 7] = [1, 4, 8, 10, 11, 14, 15];

const OK: u32 = 0;
const UNKNOWN: u32 = 2;
const DEADLINE_EXCEEDED: u32 = 4;
const RESOURCE_EXHAUSTED: u32 = 8;
const OUT_OF_RANGE: u32 = 11;
const UNAVAILABLE: u32 = 14;

/// What receivers say of a message that is too large, in lower case: grpcio and grpc-go, also of
/// what it is after decompression; tonic, with OUT_OF_RANGE; grpc-java; .NET; others.
const TOO_LARGE: [&str; 5] = [
    "larger than max",
    "message length too large",
    "exceeds maximum size",
    "exceeds the maximum configured message size",
    "message too large",
];

/// The names of the status codes, by their numbers (grpc.io, "Status codes").
pub const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Fills the prefix in front of the message that `framed` already holds.
pub(crate) fn fill_prefix(framed: &mut [u8], is_compressed: bool) {
    let len = framed.len().saturating_sub(PREFIX_LEN);
    if let Some((prefix, _)) = framed.split_first_chunk_mut::<PREFIX_LEN>() {
        let [a, b, c, d] = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
        *prefix = [u8::from(is_compressed), a, b, c, d];
    }
}

pub(crate) fn request(
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
    timeout: Duration,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    request.uri_mut().clone_from(uri);
    request.headers_mut().clone_from(headers);
    // At most eight digits.
    let millis = timeout.as_millis().clamp(1, 99_999_999);
    if let Ok(value) = HeaderValue::try_from(format!("{millis}m")) {
        request.headers_mut().insert(GRPC_TIMEOUT, value);
    }
    request
}

/// The answer, and whether the connection can be used again.
pub(crate) async fn read_answer(response: Response<Incoming>, retryable: &[u32]) -> (Answer, bool) {
    let (head, mut body) = response.into_parts();
    // A call that failed at once has its status among the headers ("Trailers-Only").
    if let Some(status) = Status::read(&head.headers) {
        return (status.answer(&[], retryable), true);
    }
    if head.status != StatusCode::OK {
        let status = Status::of_http(head.status);
        return (status.answer(&[], retryable), true);
    }
    let mut data = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return (broken(&super::link::describe(&error)), false),
        };
        match frame.into_data() {
            Ok(chunk) if data.len() + chunk.len() <= MAX_ANSWER => data.extend_from_slice(&chunk),
            Ok(_) => {
                let status = Status::new(RESOURCE_EXHAUSTED, "the answer is larger than 4 MiB");
                return (Answer::Refused(status.reason()), false);
            }
            Err(frame) => {
                if let Some(status) = frame.trailers_ref().and_then(Status::read) {
                    return (status.answer(&data, retryable), true);
                }
            }
        }
    }
    let status = Status::new(UNKNOWN, "the answer ended without a gRPC status");
    (Answer::Refused(status.reason()), false)
}

/// An HTTP/2 error in place of an answer.
pub(crate) fn broken(text: &str) -> Answer {
    Answer::Later(Trouble {
        kind: TroubleKind::Broken,
        reason: unavailable(text),
        asked: None,
    })
}

/// The reason for giving up an answer.
pub(crate) fn deadline_exceeded(text: &str) -> Reason {
    Status::new(DEADLINE_EXCEEDED, text).reason()
}

/// The reason for something that happened before there was an answer.
pub(crate) fn unavailable(text: &str) -> Reason {
    Status::new(UNAVAILABLE, text).reason()
}

/// Whether a status says that the request was too large.
#[must_use]
pub fn is_too_large(code: u32, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    matches!(code, RESOURCE_EXHAUSTED | OUT_OF_RANGE)
        && TOO_LARGE.iter().any(|words| message.contains(words))
}

/// The wait asked for in the trailer `grpc-status-details-bin`, a `google.rpc.Status`; else in
/// `google.rpc.retryinfo-bin`, which is where the official exporter looks for a `RetryInfo`.
#[must_use]
pub fn retry_delay(status: Option<&[u8]>, retry_info: Option<&[u8]>) -> Option<Duration> {
    status
        .and_then(read::status_retry_delay)
        .or_else(|| retry_info.and_then(read::retry_delay))
}

struct Status {
    code: u32,
    message: String,
    asked: Option<Duration>,
}

impl Status {
    fn new(code: u32, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
            asked: None,
        }
    }

    fn read(headers: &HeaderMap) -> Option<Self> {
        let code = headers.get("grpc-status")?.to_str().ok();
        let code = code
            .and_then(|code| code.trim().parse().ok())
            .unwrap_or(UNKNOWN);
        let message = headers
            .get("grpc-message")
            .map(|message| percent_decode_bytes(message.as_bytes()))
            .unwrap_or_default();
        let binary = |name| {
            headers
                .get(name)
                .and_then(|value| base64_decode(value.as_bytes()))
        };
        let details = binary("grpc-status-details-bin");
        let info = binary("google.rpc.retryinfo-bin");
        let asked = retry_delay(details.as_deref(), info.as_deref());
        Some(Self {
            code,
            message,
            asked,
        })
    }

    /// grpc.io, "HTTP to gRPC Status Code Mapping".
    fn of_http(status: StatusCode) -> Self {
        let code = match status.as_u16() {
            400 => 13,
            401 => 16,
            403 => 7,
            404 => 12,
            429 | 502..=504 => UNAVAILABLE,
            _ => UNKNOWN,
        };
        Self::new(
            code,
            &format!("received HTTP status {status} and no gRPC status"),
        )
    }

    fn reason(&self) -> Reason {
        let code = usize::try_from(self.code)
            .ok()
            .and_then(|code| CODES.get(code));
        Reason {
            code: match code {
                Some(name) => format!("StatusCode.{name}"),
                None => format!("StatusCode {}", self.code),
            },
            text: excerpt(&self.message),
        }
    }

    fn answer(&self, body: &[u8], retryable: &[u32]) -> Answer {
        if self.code == OK {
            let message = match body.split_first_chunk::<PREFIX_LEN>() {
                Some(([0, _, _, _, _], message)) => message,
                _ => &[],
            };
            return Answer::Accepted(read::partial_success(message));
        }
        if is_too_large(self.code, &self.message) {
            return Answer::TooLarge(self.reason());
        }
        if retryable.contains(&self.code) {
            return Answer::Later(Trouble {
                kind: TroubleKind::Busy,
                reason: self.reason(),
                asked: self.asked,
            });
        }
        Answer::Refused(self.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stacks_words_for_too_large_are_known() {
        for (code, message) in [
            (8, "grpc: received message larger than max (8 vs. 4)"),
            (8, "Received message larger than max (8 vs. 4)"),
            (
                8,
                "grpc: received message after decompression larger than max 4",
            ),
            (
                11,
                "Error, decoded message length too large: found 8 bytes, the limit is: 4 bytes",
            ),
            (8, "gRPC message exceeds maximum size 4: 8"),
            (
                8,
                "Received message exceeds the maximum configured message size.",
            ),
        ] {
            let answer = Status::new(code, message).answer(&[], &RETRYABLE_CODES);
            assert!(matches!(answer, Answer::TooLarge(_)), "{message}");
        }
        for (code, message) in [
            (8, "quota exceeded"),
            (11, "too late"),
            (3, "larger than max"),
        ] {
            let answer = Status::new(code, message).answer(&[], &RETRYABLE_CODES);
            assert!(!matches!(answer, Answer::TooLarge(_)), "{message}");
        }
    }
}
