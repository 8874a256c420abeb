//! A scripted OTLP receiver: HTTP/1.1 and gRPC, plain or TLS, which accepts, refuses, delays,
//! breaks off and comes back as a test asks. It decodes with classes that others wrote.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test program uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use telemetry::diagnostics::{self, Event};
use telemetry::export::batch::{BatchConfig, BatchProcessor, Counts};
use telemetry::export::{Exporter, ExporterConfig, Protocol, Signal};
use telemetry::otlp::request::{Batch, Group};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// What the collector does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    Accept,
    /// HTTP status, headers, body.
    Http(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// gRPC code, message, `grpc-status-details-bin`.
    Grpc(u32, &'static str, Option<String>),
    /// The status among the headers of an answer that has nothing else.
    GrpcTrailersOnly(u32, &'static str),
    PartialSuccess(i64, &'static str),
    /// Waits before it does the rest.
    After(Duration, Box<Reply>),
    /// Never answers.
    Hang,
    /// Breaks the connection, request unanswered.
    Break,
    /// Accepts, but breaks the connection in the middle of the answer.
    Truncate,
    /// Too large, if it is larger than this.
    AtMost(usize),
}

pub struct Arrival {
    pub headers: HeaderMap,
    pub path: String,
    pub at: Instant,
    pub connection: usize,
    /// The body before decompression.
    pub wire_len: usize,
    pub request: ExportTraceServiceRequest,
    pub accepted: bool,
}

impl Arrival {
    pub fn names(&self) -> Vec<String> {
        names(&self.request)
    }
}

pub fn names(request: &ExportTraceServiceRequest) -> Vec<String> {
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    scopes
        .flat_map(|scope| &scope.spans)
        .map(|span| span.name.clone())
        .collect()
}

#[derive(Default)]
struct Log {
    script: VecDeque<Reply>,
    always: Option<Reply>,
    arrivals: Vec<Arrival>,
    connections: usize,
}

#[derive(Default)]
struct Shared {
    log: Mutex<Log>,
    changed: Condvar,
}

pub struct Collector {
    pub address: SocketAddr,
    protocol: Protocol,
    tls: Option<Arc<rustls::ServerConfig>>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Collector {
    pub fn start(protocol: Protocol) -> Self {
        Self::start_with(protocol, "127.0.0.1:0".parse().unwrap(), None)
    }

    pub fn start_with(
        protocol: Protocol,
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Self {
        let shared = Arc::default();
        let (address, stop, thread) = serve(protocol, address, tls.clone(), &shared);
        Self {
            address,
            protocol,
            tls,
            shared,
            stop,
            thread: Some(thread),
        }
    }

    /// Closes the port and every connection.
    pub fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Listens again where it did before.
    pub fn restart(&mut self) {
        self.stop();
        let (address, stop, thread) =
            serve(self.protocol, self.address, self.tls.clone(), &self.shared);
        (self.address, self.stop, self.thread) = (address, stop, Some(thread));
    }

    pub fn endpoint(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match self.protocol {
            Protocol::Grpc => format!("{scheme}://{}", self.address),
            Protocol::HttpProtobuf => format!("{scheme}://{}/v1/traces", self.address),
        }
    }

    pub fn config(&self) -> ExporterConfig {
        config(self.protocol, &self.endpoint())
    }

    /// The replies to the next requests; accepted are those after them.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.log.lock().unwrap().script.extend(replies);
    }

    /// The reply to every request that the script has none for.
    pub fn always(&self, reply: Reply) {
        self.shared.log.lock().unwrap().always = Some(reply);
    }

    /// Names of the spans that were accepted, in the order of their arrival.
    pub fn names(&self) -> Vec<String> {
        let log = self.shared.log.lock().unwrap();
        log.arrivals
            .iter()
            .filter(|arrival| arrival.accepted)
            .flat_map(Arrival::names)
            .collect()
    }

    pub fn connections(&self) -> usize {
        self.shared.log.lock().unwrap().connections
    }

    pub fn with_arrivals<T>(&self, look: impl FnOnce(&[Arrival]) -> T) -> T {
        look(&self.shared.log.lock().unwrap().arrivals)
    }

    /// Waits until this many requests have arrived, accepted or not.
    pub fn wait_for_requests(&self, count: usize) {
        self.wait(&format!("{count} requests"), |log| {
            log.arrivals.len() >= count
        });
    }

    /// Waits until this many spans were accepted.
    pub fn wait_for_spans(&self, count: usize) {
        self.wait(&format!("{count} spans"), |log| {
            let accepted = log.arrivals.iter().filter(|arrival| arrival.accepted);
            accepted.map(|arrival| arrival.names().len()).sum::<usize>() >= count
        });
    }

    fn wait(&self, what: &str, is_there: impl Fn(&Log) -> bool) {
        let log = self.shared.log.lock().unwrap();
        let (_log, timeout) = self
            .shared
            .changed
            .wait_timeout_while(log, Duration::from_secs(20), |log| !is_there(log))
            .unwrap();
        assert!(!timeout.timed_out(), "no {what} in 20 s");
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.stop();
    }
}

type Started = (SocketAddr, watch::Sender<bool>, std::thread::JoinHandle<()>);

fn serve(
    protocol: Protocol,
    address: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    shared: &Arc<Shared>,
) -> Started {
    let (stop, stopped) = watch::channel(false);
    let (ready, is_ready) = mpsc::sync_channel(1);
    let shared = Arc::clone(shared);
    let thread = in_background(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async move {
            let socket = match address {
                SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4().unwrap(),
                SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6().unwrap(),
            };
            socket.set_reuseaddr(true).unwrap();
            socket.bind(address).unwrap();
            let listener = socket.listen(128).unwrap();
            ready.send(listener.local_addr().unwrap()).unwrap();
            accept(listener, protocol, tls, shared, stopped).await;
        });
    });
    (is_ready.recv().unwrap(), stop, thread)
}

/// Runs what is on the other side of the pipeline.
#[expect(
    clippy::disallowed_methods,
    reason = "threads of a test, which the pipeline knows nothing of"
)]
pub fn in_background<T: Send + 'static>(
    body: impl FnOnce() -> T + Send + 'static,
) -> std::thread::JoinHandle<T> {
    std::thread::spawn(body)
}

async fn accept(
    listener: TcpListener,
    protocol: Protocol,
    tls: Option<Arc<rustls::ServerConfig>>,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            _ = stopped.changed() => return,
        };
        stream.set_nodelay(true).unwrap();
        let connection = {
            let mut log = shared.log.lock().unwrap();
            log.connections += 1;
            log.connections
        };
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        tokio::spawn(async move {
            match tls {
                Some(config) => {
                    if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                        converse(Box::new(stream), protocol, shared, connection).await;
                    }
                }
                None => converse(Box::new(stream), protocol, shared, connection).await,
            }
        });
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

async fn converse(
    stream: Box<dyn Duplex>,
    protocol: Protocol,
    shared: Arc<Shared>,
    connection: usize,
) {
    // Breaking a connection is done from here: an error of the service alone would end no more
    // than the stream.
    let (break_off, mut broken_off) = watch::channel(false);
    let service = service_fn(move |request| {
        let (shared, break_off) = (Arc::clone(&shared), break_off.clone());
        async move {
            let reply = take_in(request, protocol, &shared, connection).await;
            Ok::<_, Infallible>(answer(reply, protocol, break_off).await)
        }
    });
    let stream = Io(stream);
    let conversation = async {
        match protocol {
            Protocol::HttpProtobuf => {
                let _ = http1::Builder::new()
                    .serve_connection(stream, service)
                    .await;
            }
            Protocol::Grpc => {
                let _ = http2::Builder::new(OnRuntime)
                    .initial_stream_window_size(4 << 20)
                    .initial_connection_window_size(8 << 20)
                    .serve_connection(stream, service)
                    .await;
            }
        }
    };
    tokio::select! {
        () = conversation => {}
        _ = broken_off.wait_for(|&broken_off| broken_off) => {}
    }
}

async fn take_in(
    request: Request<Incoming>,
    protocol: Protocol,
    shared: &Shared,
    connection: usize,
) -> Reply {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Reply::Break;
    };
    let body = body.to_bytes();
    let encoding = match protocol {
        Protocol::HttpProtobuf => head.headers.get("content-encoding"),
        Protocol::Grpc => head.headers.get("grpc-encoding"),
    };
    let encoding = encoding.map(|encoding| encoding.to_str().unwrap().to_owned());
    let message = match protocol {
        Protocol::HttpProtobuf => unpack(encoding.as_deref(), &body),
        Protocol::Grpc => {
            let (prefix, message) = body.split_first_chunk::<5>().unwrap();
            let len = u32::from_be_bytes(*prefix.last_chunk().unwrap());
            assert_eq!(usize::try_from(len).unwrap(), message.len());
            assert_eq!(prefix[0], u8::from(encoding.is_some()));
            unpack(encoding.as_deref(), message)
        }
    };
    let decoded = ExportTraceServiceRequest::decode(message.as_slice()).unwrap();
    let mut log = shared.log.lock().unwrap();
    let mut reply = log
        .script
        .pop_front()
        .or(log.always.clone())
        .unwrap_or(Reply::Accept);
    if let Reply::AtMost(max) = reply {
        reply = match (message.len() > max, protocol) {
            (false, _) => Reply::Accept,
            (true, Protocol::HttpProtobuf) => Reply::Http(413, Vec::new(), Vec::new()),
            (true, Protocol::Grpc) => {
                Reply::Grpc(8, "grpc: received message larger than max (1 vs. 0)", None)
            }
        };
    }
    log.arrivals.push(Arrival {
        headers: head.headers,
        path: head.uri.path().to_owned(),
        at: Instant::now(),
        connection,
        wire_len: body.len(),
        request: decoded,
        accepted: is_accepting(&reply),
    });
    shared.changed.notify_all();
    reply
}

fn is_accepting(reply: &Reply) -> bool {
    match reply {
        Reply::Accept | Reply::PartialSuccess(..) | Reply::Truncate => true,
        Reply::After(_, rest) => is_accepting(rest),
        Reply::Http(status, ..) => (200..300).contains(status),
        _ => false,
    }
}

fn unpack(encoding: Option<&str>, packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match encoding {
        None => plain.extend_from_slice(packed),
        Some("gzip") => {
            flate2::read::GzDecoder::new(packed)
                .read_to_end(&mut plain)
                .unwrap();
        }
        Some("deflate") => {
            flate2::read::ZlibDecoder::new(packed)
                .read_to_end(&mut plain)
                .unwrap();
        }
        Some("zstd") => {
            zstd::stream::read::Decoder::new(packed)
                .unwrap()
                .read_to_end(&mut plain)
                .unwrap();
        }
        Some(other) => panic!("unexpected encoding {other}"),
    }
    plain
}

/// Data, then trailers, then the end or a wait without one.
struct Pieces {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
    len: Option<u64>,
    break_off: Option<watch::Sender<bool>>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(break_off) = self.break_off.take() {
            break_off.send_replace(true);
            return Poll::Pending;
        }
        Poll::Ready(
            self.trailers
                .take()
                .map(|trailers| Ok(Frame::trailers(trailers))),
        )
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self.len {
            Some(len) => hyper::body::SizeHint::with_exact(len),
            None => hyper::body::SizeHint::new(),
        }
    }
}

async fn answer(
    mut reply: Reply,
    protocol: Protocol,
    break_off: watch::Sender<bool>,
) -> Response<Pieces> {
    while let Reply::After(delay, rest) = reply {
        tokio::time::sleep(delay).await;
        reply = *rest;
    }
    let message = match &reply {
        Reply::PartialSuccess(rejected, text) => ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans: *rejected,
                error_message: (*text).to_owned(),
            }),
        },
        _ => ExportTraceServiceResponse::default(),
    }
    .encode_to_vec();
    let mut pieces = Pieces {
        data: None,
        trailers: None,
        len: None,
        break_off: None,
    };
    match reply {
        Reply::Hang => std::future::pending().await,
        Reply::Break => {
            break_off.send_replace(true);
            std::future::pending::<()>().await;
        }
        Reply::Truncate => pieces.break_off = Some(break_off),
        _ => {}
    }
    let mut response = Response::builder();
    match (&reply, protocol) {
        (Reply::Http(status, headers, body), _) => {
            response = response.status(*status);
            for (name, value) in headers {
                response = response.header(*name, value);
            }
            pieces.len = Some(body.len() as u64);
            pieces.data = (!body.is_empty()).then(|| Bytes::from(body.clone()));
        }
        (Reply::GrpcTrailersOnly(code, message), _) => {
            response = response
                .header("content-type", "application/grpc")
                .header("grpc-status", *code)
                .header("grpc-message", *message);
        }
        (reply, Protocol::Grpc) => {
            let mut trailers = HeaderMap::new();
            let (code, text, details) = match reply {
                Reply::Grpc(code, text, details) => (*code, *text, details.clone()),
                _ => (0, "", None),
            };
            trailers.insert("grpc-status", code.into());
            trailers.insert("grpc-message", text.parse().unwrap());
            if let Some(details) = details {
                trailers.insert("grpc-status-details-bin", details.parse().unwrap());
            }
            if code == 0 {
                let mut framed = vec![0; 5];
                framed[4] = u8::try_from(message.len()).unwrap();
                framed.extend_from_slice(&message);
                pieces.data = Some(framed.into());
            }
            pieces.trailers = Some(trailers);
            response = response.header("content-type", "application/grpc");
        }
        (_, Protocol::HttpProtobuf) => {
            response = response.header("content-type", "application/x-protobuf");
            let missing = if pieces.break_off.is_some() { 10 } else { 0 };
            pieces.len = Some(message.len() as u64 + missing);
            pieces.data = (!message.is_empty()).then(|| message.into());
        }
    }
    response.body(pieces).unwrap()
}

#[derive(Clone)]
struct OnRuntime;

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for OnRuntime {
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

struct Io(Box<dyn Duplex>);

impl hyper::rt::Read for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let mut scratch = vec![0; buf.remaining().min(64 << 10)];
        let mut read = ReadBuf::new(&mut scratch);
        std::task::ready!(Pin::new(&mut self.get_mut().0).poll_read(cx, &mut read))?;
        buf.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

/// The bytes of a finished span.
pub fn span(name: &str) -> Vec<u8> {
    opentelemetry_proto::tonic::trace::v1::Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: name.to_owned(),
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        ..Default::default()
    }
    .encode_to_vec()
}

pub fn group() -> Arc<Group> {
    Arc::new(Group::default())
}

pub fn batch(names: impl IntoIterator<Item = String>) -> Batch {
    let (mut batch, group) = (Batch::new(), group());
    for name in names {
        batch.push(&group, &span(&name));
    }
    batch
}

pub fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("span {number}")).collect()
}

pub fn config(protocol: Protocol, endpoint: &str) -> ExporterConfig {
    let mut config = ExporterConfig::new(Signal::Traces, protocol, endpoint);
    config.tls.insecure = true;
    config
}

pub fn exporter(config: ExporterConfig) -> Arc<Exporter> {
    Arc::new(Exporter::new(config).unwrap())
}

/// A processor that sends when asked, or when a batch of this size is full.
pub fn processor(config: ExporterConfig, max_batch: usize, max_queue: usize) -> BatchProcessor {
    let batch = BatchConfig {
        max_queue_size: Some(max_queue),
        schedule_delay: Duration::from_secs(3600),
        max_export_batch_size: max_batch,
        export_timeout: Duration::from_secs(5),
        spool: None,
    };
    BatchProcessor::new(batch, exporter(config))
}

pub fn push(processor: &BatchProcessor, names: impl IntoIterator<Item = String>) {
    let group = group();
    for name in names {
        processor.push(&group, &span(&name));
    }
}

/// Waits for something that the processor's counts will tell.
pub fn wait_for(processor: &BatchProcessor, is_so: impl Fn(&Counts) -> bool) -> Counts {
    let start = Instant::now();
    loop {
        let counts = processor.counts();
        if is_so(&counts) {
            return counts;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{counts:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// All events of this process so far. Tests of one program share them.
pub fn all_said() -> Vec<Event> {
    static ALL: Mutex<Vec<Event>> = Mutex::new(Vec::new());
    let mut all = ALL.lock().unwrap();
    all.extend(diagnostics::take());
    all.extend(diagnostics::take_losses());
    all.clone()
}

/// The events so far at this address.
pub fn said(address: &str) -> Vec<Event> {
    let mut said = all_said();
    said.retain(|event| {
        event
            .destination()
            .is_some_and(|to| to.endpoint.contains(address))
    });
    said
}

/// An address that nobody listens at.
pub fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}
