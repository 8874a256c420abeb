//! The network: every connection may speak HTTP/1.1 or HTTP/2, and every request may be gRPC,
//! OTLP/HTTP or a question, whichever port it came to: the two ports exist because exporters
//! expect two. Who may ask is decided here, before anything else.

mod access;
mod assets;
mod connections;

pub(crate) use access::Access;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Method, Request, Response, StatusCode, header};
use axum::Router;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tonic::Status;
use tonic::body::Body;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_service::Service;

use crate::receive::{Receiver, http_signal, is_grpc, respond};
use connections::Connections;

/// Time a client has to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How often a silent HTTP/2 connection is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Rest after a failed accept (no file descriptors left, say), so that it cannot spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Streams of one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 64;
const MAX_HEADERS: u32 = 32 * 1024;

/// What answers requests.
#[derive(Clone)]
pub(crate) struct Server {
    receiver: Receiver,
    questions: Router,
    /// The same for other machines: answers go to them in gzip if they take it. On this one, packing
    /// and unpacking takes longer than sending.
    packed: Router,
    access: Arc<Access>,
}

impl Server {
    pub(crate) fn new(receiver: Receiver, questions: Router, access: Access) -> Self {
        let packing = CompressionLayer::new().quality(CompressionLevel::Fastest);
        Self {
            receiver,
            packed: questions.clone().layer(packing),
            questions,
            access: Arc::new(access),
        }
    }

    /// Accepts connections for as long as the future is polled.
    pub(crate) async fn listen(self, listener: TcpListener) {
        let connections = Connections::new();
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(_) => {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // Answers are small and waited for; a failure only costs some latency.
            let _ = stream.set_nodelay(true);
            let connection = connections.open();
            let server = self.clone();
            tokio::spawn(async move {
                let answering = Arc::clone(&connection);
                let service = service_fn(move |request| {
                    let (server, connection) = (server.clone(), Arc::clone(&answering));
                    async move {
                        let _busy = connection.busy();
                        Ok::<_, Infallible>(server.answer(request, peer).await)
                    }
                });
                let mut builder = auto::Builder::new(TokioExecutor::new());
                builder
                    .http1()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIME)
                    .max_buf_size(64 * 1024);
                builder
                    .http2()
                    .timer(TokioTimer::new())
                    .keep_alive_interval(PING_INTERVAL)
                    .keep_alive_timeout(HEAD_TIME)
                    .max_header_list_size(MAX_HEADERS)
                    .max_concurrent_streams(MAX_STREAMS);
                let serving = builder.serve_connection(TokioIo::new(stream), service);
                // An error is the client's doing (reset, garbage) and concerns nobody else.
                tokio::select! {
                    _ = serving => {}
                    () = connection.closed() => {}
                }
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        if let Some(refusal) = self.access.refuses(&request, peer) {
            self.receiver.store.lock().totals.refused_requests += 1;
            return if is_grpc(&request) {
                Status::permission_denied(refusal).into_http()
            } else {
                problem(StatusCode::FORBIDDEN, refusal)
            };
        }
        if let Some(response) = self.access.enter(&request) {
            return response;
        }
        let path = request.uri().path();
        if is_grpc(&request) && request.method() == Method::POST {
            return self.receiver.over_grpc(request).await;
        }
        if let Some(signal) = http_signal(path) {
            if let Some(preflight) = self.access.preflight(&request) {
                return preflight;
            }
            let origin = request.headers().get(header::ORIGIN).cloned();
            let mut response = self.receiver.over_http(signal, request).await;
            self.access.allow_reading(origin, &mut response);
            return response;
        }
        if path.starts_with("/v1/") || path.starts_with("/opentelemetry.") {
            return problem(
                StatusCode::NOT_FOUND,
                "OTLP is taken at /v1/traces, /v1/metrics and /v1/logs, and over gRPC",
            );
        }
        if path.starts_with("/api/") || path.starts_with("/mcp") {
            return self.ask(request, peer).await;
        }
        assets::answer(&request)
    }

    async fn ask(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let mut questions = if peer.ip().to_canonical().is_loopback() {
            self.questions.clone()
        } else {
            self.packed.clone()
        };
        let answer: Result<_, Infallible> = questions.call(request).await;
        let Ok(answer) = answer;
        let mut response = answer.map(Body::new);
        assets::guard(response.headers_mut());
        response
    }
}

pub(crate) fn problem(status: StatusCode, message: &str) -> Response<Body> {
    let body = serde_json::json!({ "error": { "message": message } });
    respond(status, "application/json", body.to_string())
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
