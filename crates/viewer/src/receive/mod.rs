//! Takes OTLP in over the network. Every connection may speak HTTP/1.1 or HTTP/2, and every
//! request may be gRPC, OTLP/HTTP or a question about what arrived, whichever port it came to:
//! the two ports exist because exporters expect two.

mod grpc;
mod http;

pub(crate) use http::respond;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tonic::body::Body;

use crate::serve;
use crate::signal::{Logs, Metrics, Signal, Traces};
use crate::store::Store;

/// Largest request taken, before and after decompression.
pub(crate) const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Connections served at once; further ones wait to be accepted.
const CONNECTION_LIMIT: usize = 256;
/// Time a client has to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Rest after a failed accept (no file descriptors left, say), so that it cannot spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The store as all connections share it. The lock is never held across an await.
#[derive(Clone, Default)]
pub(crate) struct SharedStore(Arc<Mutex<Store>>);

impl SharedStore {
    pub(crate) fn new(store: Store) -> Self {
        Self(Arc::new(Mutex::new(store)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections for as long as the future is polled.
pub(crate) async fn listen(listener: TcpListener, store: SharedStore) {
    let connections = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            return;
        };
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
        let store = store.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, peer, store.clone()));
            let mut server = auto::Builder::new(TokioExecutor::new());
            server
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT);
            // An error here is the client's doing (reset, garbage) and concerns nobody else.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
            drop(permit);
        });
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    store: SharedStore,
) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path();
    Ok(if path.starts_with("/api/") || path == "/" {
        serve::answer(&request, peer, &store)
    } else if path == Traces::HTTP_PATH {
        http::export::<Traces>(request, store).await
    } else if path == Metrics::HTTP_PATH {
        http::export::<Metrics>(request, store).await
    } else if path == Logs::HTTP_PATH {
        http::export::<Logs>(request, store).await
    } else if path == Traces::GRPC_PATH {
        grpc::export::<Traces>(request, store).await
    } else if path == Metrics::GRPC_PATH {
        grpc::export::<Metrics>(request, store).await
    } else if path == Logs::GRPC_PATH {
        grpc::export::<Logs>(request, store).await
    } else if grpc::is_grpc(&request) {
        grpc::unimplemented()
    } else {
        http::not_found()
    })
}
