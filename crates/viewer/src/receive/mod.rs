//! Takes OTLP in: over gRPC, and over HTTP as protobuf or JSON.

mod compression;
mod grpc;
mod http;

pub(crate) use grpc::is_grpc;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tonic::body::Body;

use crate::otlp::Signal;
use crate::store::{Intake, Store};

/// Largest request taken, before and after decompression.
pub(crate) const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Time for a body to come in, however fast it comes.
const BODY_TIME: Duration = Duration::from_secs(30);
/// Bytes of bodies that are coming in at one moment, of all senders together.
const BODIES_LIMIT: usize = 256 * 1024 * 1024;

static BODIES: AtomicUsize = AtomicUsize::new(0);

/// Where what comes in goes.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) store: Store,
    pub(crate) intake: Intake,
}

/// The path of an export over OTLP/HTTP.
pub(crate) fn http_signal(path: &str) -> Option<Signal> {
    Signal::named(path.strip_prefix("/v1/")?)
}

impl Receiver {
    pub(crate) async fn over_http(
        &self,
        signal: Signal,
        request: Request<Incoming>,
    ) -> Response<Body> {
        http::export(self, signal, request).await
    }

    pub(crate) async fn over_grpc(&self, request: Request<Incoming>) -> Response<Body> {
        grpc::call(self, request).await
    }

    fn count_refused(&self) {
        self.store.lock().totals.refused_requests += 1;
    }
}

pub(crate) fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(body.into())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut insert =
        |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    insert(header::CONTENT_TYPE, content_type);
    insert(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

/// Why a body is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadBody {
    TooLarge,
    TooSlow,
    /// Too many at once; later there may be room.
    NoRoom,
    Broken,
}

/// A body, bounded in bytes and in time.
pub(crate) async fn body(incoming: Incoming, limit: usize) -> Result<Bytes, BadBody> {
    match tokio::time::timeout(BODY_TIME, collect(incoming, limit)).await {
        Ok(body) => body,
        Err(_) => Err(BadBody::TooSlow),
    }
}

/// Counts the bytes of a body for as long as it is being read.
struct Counted(usize);

impl Counted {
    fn add(&mut self, bytes: usize) -> Result<(), BadBody> {
        self.0 += bytes;
        let all = BODIES.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all > BODIES_LIMIT {
            return Err(BadBody::NoRoom);
        }
        Ok(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        BODIES.fetch_sub(self.0, Ordering::Relaxed);
    }
}

async fn collect(mut incoming: Incoming, limit: usize) -> Result<Bytes, BadBody> {
    let mut counted = Counted(0);
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(|_| BadBody::Broken)?.into_data() else {
            continue;
        };
        counted.add(data.len())?;
        if counted.0 > limit {
            return Err(BadBody::TooLarge);
        }
        // Most requests are one frame, which then need not be copied.
        if first.is_empty() && more.is_empty() {
            first = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&data);
        }
    }
    Ok(if more.is_empty() {
        first
    } else {
        more.freeze()
    })
}
