//! A connection that requests go over: HTTP/1.1 for OTLP/HTTP, HTTP/2 for gRPC.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use tokio::task::JoinHandle;

use super::gather::Tasks;
use super::stream::Stream;
use crate::otlp::signal::Protocol;

/// Answers are short; these windows are for the receivers that send theirs early.
const RECEIVE_WINDOW: u32 = 1 << 20;
/// How much of a request may wait for the receiver's window: more than any batch we make, since
/// what waits is a reference to the batch and not a copy.
const SEND_BUFFER: usize = 64 << 20;
/// The most headers of an HTTP/1.1 answer.
const MAX_HEADERS: usize = 512;

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

pub(crate) struct Link {
    sender: Sender,
    pub(super) driver: Arc<Driver>,
}

/// What drives a connection; it ends with the last link to it.
pub(crate) struct Driver {
    task: JoinHandle<()>,
    /// The other tasks of an HTTP/2 connection.
    tasks: Option<Tasks>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(tasks) = &self.tasks {
            tasks.abort();
        }
    }
}

impl Link {
    pub(crate) async fn open(stream: Stream, protocol: Protocol) -> hyper::Result<Self> {
        let (sender, task, tasks) = match protocol {
            Protocol::HttpProtobuf => {
                // As lenient as Python's own client: what an answer cannot be read for is sent
                // again though the receiver has it.
                let (sender, connection) = http1::Builder::new()
                    .ignore_invalid_headers_in_responses(true)
                    .allow_obsolete_multiline_headers_in_responses(true)
                    .allow_spaces_after_header_name_in_responses(true)
                    .max_headers(MAX_HEADERS)
                    .handshake(stream)
                    .await?;
                let task = tokio::spawn(async {
                    // The request at hand gets the error too.
                    let _ = connection.await;
                });
                (Sender::Http1(sender), task, None)
            }
            Protocol::Grpc => {
                let (stream, tasks) = Tasks::of(stream);
                let (sender, connection) = http2::Builder::new(tasks.clone())
                    .initial_stream_window_size(RECEIVE_WINDOW)
                    .initial_connection_window_size(RECEIVE_WINDOW)
                    .max_send_buf_size(SEND_BUFFER)
                    .handshake(stream)
                    .await?;
                let task = tokio::spawn(async {
                    let _ = connection.await;
                });
                (Sender::Http2(sender), task, Some(tasks))
            }
        };
        Ok(Self {
            sender,
            driver: Arc::new(Driver { task, tasks }),
        })
    }

    /// Another link to the same connection, where it takes several requests at a time.
    pub(crate) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self {
                sender: Sender::Http2(sender.clone()),
                driver: Arc::clone(&self.driver),
            }),
        }
    }

    /// Waits until a request can be sent; false where the connection is gone.
    pub(crate) async fn is_ready(&mut self) -> bool {
        match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await.is_ok(),
            Sender::Http2(sender) => sender.ready().await.is_ok(),
        }
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        match &mut self.sender {
            Sender::Http1(sender) => sender.send_request(request).await,
            Sender::Http2(sender) => sender.send_request(request).await,
        }
    }
}

/// An error of hyper's in plain words: the cause rather than the layer.
pub(crate) fn describe(error: &hyper::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
