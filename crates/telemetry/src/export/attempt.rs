//! One attempt: a batch encoded as a request, the request sent, its answer read.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::sync::watch;
use tokio::time::Instant;

use super::session::Session;
use super::settled::Settled;
use super::transport::answer::{Answer, Reason, Trouble, TroubleKind};
use super::transport::compress::Compression;
use super::transport::line::Lease;
use super::transport::{grpc, http, link};
use super::urgency::{Urgency, expired};
use crate::otlp::request::Batch;
use crate::otlp::signal::Protocol;

/// The request's body, compressed, with room for a prefix; an error where it is too large.
pub(crate) fn encode(session: &Session, batch: &Batch) -> Result<Bytes, Reason> {
    let settled = &*session.settled;
    let too_large = |len: usize| {
        Reason::text(format!(
            "a request of {len} bytes is larger than the limit of {}",
            settled.max_request_bytes
        ))
    };
    if batch.byte_len() > settled.max_request_bytes {
        return Err(too_large(batch.byte_len()));
    }
    let prefix_len = settled.prefix_len();
    let mut plain = session.take_buffer();
    plain.resize(prefix_len, 0);
    if batch.try_encode_into(&mut plain).is_err() {
        return Err(no_memory(batch.byte_len()));
    }
    let len = plain.len() - prefix_len;
    if len > settled.max_request_bytes {
        return Err(too_large(len));
    }
    let mut body = plain;
    let mut is_compressed = settled.compression != Compression::None;
    if is_compressed {
        let message = body.get(prefix_len..).unwrap_or_default();
        let packed = room_for_packed(message.len()).and_then(|mut out| {
            out.resize(prefix_len, 0);
            settled.compression.compress(message, out).ok()
        });
        match packed {
            Some(packed) => {
                session.give_back(Bytes::from(body));
                body = packed;
            }
            None if settled.route.protocol == Protocol::Grpc => is_compressed = false,
            // The header says that it is compressed.
            None => return Err(no_memory(len)),
        }
    }
    if settled.route.protocol == Protocol::Grpc {
        grpc::fill_prefix(&mut body, is_compressed);
    }
    Ok(Bytes::from(body))
}

fn no_memory(len: usize) -> Reason {
    Reason::text(format!("there is no memory for a request of {len} bytes"))
}

/// A buffer for so much, compressed: what is large gets all that it can take at once, since it cannot
/// grow where there is no memory.
fn room_for_packed(len: usize) -> Option<Vec<u8>> {
    const LARGE: usize = 8 << 20;
    let most = if len < LARGE {
        len / 4 + 64
    } else {
        len.saturating_add(len / 64)
    };
    let mut out = Vec::new();
    out.try_reserve_exact(most).ok()?;
    Some(out)
}

/// Sends a request once, and reads the answer; gives up at `deadline`, or when shutdown says so.
pub(super) async fn attempt(
    session: &Session,
    body: &Bytes,
    deadline: Instant,
    urgency: &mut watch::Receiver<Urgency>,
) -> Answer {
    let settled = &*session.settled;
    let late = || {
        Answer::Later(Trouble {
            kind: TroubleKind::TimedOut,
            reason: timed_out(settled.route.protocol),
            asked: None,
        })
    };
    let begun = tokio::select! {
        biased;
        begun = begin(session, body, deadline) => begun,
        () = expired(deadline, urgency) => Err(late()),
    };
    let (lease, response) = match begun {
        Ok(begun) => begun,
        Err(answer) => return answer,
    };
    session.has_answered.store(true, Ordering::Relaxed);
    let (answer, can_go_on) = match settled.route.protocol {
        Protocol::HttpProtobuf => {
            let patience = deadline.min(Instant::now() + http::PATIENCE);
            http::read_answer(response, expired(patience, urgency)).await
        }
        Protocol::Grpc => tokio::select! {
            biased;
            read = grpc::read_answer(response, &settled.retryable_grpc_codes) => read,
            () = expired(deadline, urgency) => (late(), false),
        },
    };
    if can_go_on {
        lease.keep();
    }
    answer
}

/// Sends a request, until there is something of an answer.
async fn begin<'a>(
    session: &'a Session,
    body: &Bytes,
    deadline: Instant,
) -> Result<(Lease<'a>, Response<Incoming>), Answer> {
    let settled = &*session.settled;
    let mut lease = session
        .line
        .lease(&settled.route, deadline)
        .await
        .map_err(Answer::Later)?;
    let request = request(settled, body.clone(), deadline);
    match lease.link.send(request).await {
        Ok(response) => Ok((lease, response)),
        Err(error) => Err(broken(settled.route.protocol, &error)),
    }
}

/// The request for a body, which says how much time it has.
pub(super) fn request(settled: &Settled, body: Bytes, deadline: Instant) -> Request<Full<Bytes>> {
    let (uri, headers) = (&settled.uri, &settled.headers);
    match settled.route.protocol {
        Protocol::HttpProtobuf => http::request(uri, headers, body),
        Protocol::Grpc => {
            let left = deadline.saturating_duration_since(Instant::now());
            grpc::request(uri, headers, body, left)
        }
    }
}

/// The reason for giving up an answer.
pub(super) fn timed_out(protocol: Protocol) -> Reason {
    let text = "no answer in time";
    match protocol {
        Protocol::Grpc => grpc::deadline_exceeded(text),
        Protocol::HttpProtobuf => Reason::text(text),
    }
}

/// An error in place of an answer.
pub(super) fn broken(protocol: Protocol, error: &hyper::Error) -> Answer {
    let cause = link::describe(error);
    let text = format!("{cause}{}", other_protocol(&cause));
    match protocol {
        Protocol::Grpc => grpc::broken(&text),
        Protocol::HttpProtobuf if error.is_parse() => Answer::Later(Trouble {
            kind: TroubleKind::Unreadable,
            reason: Reason::text(format!("unreadable answer: {text}")),
            asked: None,
        }),
        Protocol::HttpProtobuf => Answer::Later(Trouble {
            kind: TroubleKind::Broken,
            reason: Reason::text(format!("connection broke: {text}")),
            asked: None,
        }),
    }
}

/// A hint, where whoever answers seems to speak the other protocol: their ports are often confused.
fn other_protocol(cause: &str) -> &'static str {
    match cause {
        // The first bytes of an answer in HTTP/1.1 are an impossible length.
        "connection error detected: frame with invalid size" => {
            "; it looks like a port for OTLP over HTTP (http/protobuf), usually 4318"
        }
        // A settings frame.
        "invalid HTTP version parsed" => "; it looks like a port for OTLP over gRPC, usually 4317",
        _ => "",
    }
}
