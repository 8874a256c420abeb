//! What a span costs from `push` to the receiver: CPU time of this process, with a receiver in a
//! process of its own that reads and answers and does nothing else.
//!
//! `cargo bench -p telemetry --bench export [http|grpc] [none|gzip|zstd]`
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement prints, and fails loudly"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use telemetry::export::batch::{BatchConfig, BatchProcessor};
use telemetry::export::{Compression, Exporter, ExporterConfig, Protocol, Signal};
use telemetry::otlp::request::Group;

const SPANS: usize = 2_000_000;
const RECORD_LEN: usize = 250;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let has = |word: &str| args.iter().any(|arg| arg == word);
    if let Some(kind) = args.iter().find_map(|arg| arg.strip_prefix("receive=")) {
        return receive(kind);
    }
    let compression = match (has("gzip"), has("zstd")) {
        (true, _) => Compression::Gzip,
        (_, true) => Compression::Zstd,
        _ => Compression::None,
    };
    push_only();
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let name = match protocol {
            Protocol::HttpProtobuf => "http",
            Protocol::Grpc => "grpc",
        };
        if has("http") && name != "http" || has("grpc") && name != "grpc" {
            continue;
        }
        measure(name, protocol, compression);
    }
}

fn record() -> Vec<u8> {
    (0..RECORD_LEN)
        .map(|_| fastrand::alphanumeric() as u8)
        .collect()
}

/// The application's part alone: nobody listens, the queue has room.
fn push_only() {
    let config = ExporterConfig::new(Signal::Traces, Protocol::HttpProtobuf, "http://127.0.0.1:1");
    let exporter = Arc::new(Exporter::new(config).unwrap());
    let config = BatchConfig {
        max_queue_size: Some(10_000_000),
        schedule_delay: Duration::from_secs(3600),
        max_export_batch_size: 512,
        export_timeout: Duration::ZERO,
        spool: None,
    };
    let processor = BatchProcessor::new(config, exporter);
    let (group, record) = (Arc::new(Group::default()), record());
    for round in 0..2 {
        let start = cpu_seconds();
        for _ in 0..200_000 {
            processor.push(&group, &record);
        }
        let nanos = (cpu_seconds() - start) * 1e9 / 200_000.0;
        println!("push into fresh memory, round {round}: {nanos:.1} ns per record");
    }
    let _ = processor.shutdown(Duration::ZERO);
}

fn measure(name: &str, protocol: Protocol, compression: Compression) {
    let mut receiver = Command::new(std::env::current_exe().unwrap())
        .arg(format!("receive={name}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    let mut lines = BufReader::new(receiver.stdout.take().unwrap());
    lines.read_line(&mut address).unwrap();
    let endpoint = format!("http://{}/v1/traces", address.trim());
    let mut config = ExporterConfig::new(Signal::Traces, protocol, endpoint);
    config.tls.insecure = true;
    config.compression = compression;
    let config_of_batches = BatchConfig {
        max_queue_size: Some(8192),
        schedule_delay: Duration::from_secs(5),
        max_export_batch_size: 512,
        export_timeout: Duration::from_secs(30),
        spool: None,
    };
    let exporter = Arc::new(Exporter::new(config).unwrap());
    let processor = BatchProcessor::new(config_of_batches, exporter);
    let (group, record) = (Arc::new(Group::default()), record());
    for _ in 0..10_000 {
        processor.push(&group, &record);
    }
    assert!(processor.force_flush(Duration::from_secs(10)));
    let before = processor.counts();
    let (cpu, start) = (cpu_seconds(), Instant::now());
    // The fastest burst is the one that nothing else on the machine got in the way of.
    let mut pushing = Duration::MAX;
    // In bursts, so that the queue never fills.
    for _ in 0..SPANS / 4096 {
        let burst = Instant::now();
        for _ in 0..4096 {
            processor.push(&group, &record);
        }
        pushing = pushing.min(burst.elapsed());
        assert!(processor.force_flush(Duration::from_secs(10)));
    }
    let counts = processor.counts();
    let sent = counts.delivered - before.delivered;
    assert_eq!(sent as usize, SPANS / 4096 * 4096);
    let per_span = |seconds: f64| seconds * 1e9 / sent as f64;
    println!(
        "{name}: {:.0} ns CPU per span in all, {:.1} ns in push, {:.0} ns wall",
        per_span(cpu_seconds() - cpu),
        pushing.as_secs_f64() * 1e9 / 4096.0,
        per_span(start.elapsed().as_secs_f64()),
    );
    let _ = processor.shutdown(Duration::from_secs(5));
    receiver.kill().unwrap();
    receiver.wait().unwrap();
}

/// What the threads of this process have run for, which a busy machine changes little.
fn cpu_seconds() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    threads
        .map(|thread| thread_seconds(&thread.unwrap().path()))
        .sum()
}

fn thread_seconds(thread: &std::path::Path) -> f64 {
    let stat = std::fs::read_to_string(thread.join("schedstat")).unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Reads and answers, one connection at a time.
fn receive(kind: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    std::io::stdout().flush().unwrap();
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        stream.set_nodelay(true).unwrap();
        match kind {
            "http" => receive_http(stream),
            _ => receive_grpc(stream),
        }
    }
}

fn receive_http(stream: TcpStream) {
    let mut answer_to = stream.try_clone().unwrap();
    let mut requests = BufReader::with_capacity(256 << 10, stream);
    loop {
        let mut len = 0;
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                len = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; len];
        requests.read_exact(&mut body).unwrap();
        answer_to
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
    }
}

fn receive_grpc(stream: TcpStream) {
    use http_body_util::BodyExt;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        let service = hyper::service::service_fn(
            |mut request: hyper::Request<hyper::body::Incoming>| async move {
                while let Some(frame) = request.body_mut().frame().await {
                    frame?;
                }
                let mut trailers = hyper::HeaderMap::new();
                trailers.insert("grpc-status", 0.into());
                let frames = http_body_util::Full::new(bytes::Bytes::from_static(&[0; 5]));
                let body = frames.with_trailers(async move { Some(Ok(trailers)) });
                let response =
                    hyper::Response::builder().header("content-type", "application/grpc");
                Ok::<_, hyper::Error>(response.body(body).unwrap())
            },
        );
        let _ = hyper::server::conn::http2::Builder::new(OnRuntime)
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(8 << 20)
            .serve_connection(Io(stream), service)
            .await;
    });
}

#[derive(Clone)]
struct OnRuntime;

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for OnRuntime {
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

struct Io(tokio::net::TcpStream);

impl hyper::rt::Read for Io {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        mut buf: hyper::rt::ReadBufCursor<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let mut scratch = vec![0; buf.remaining().min(64 << 10)];
        let mut read = tokio::io::ReadBuf::new(&mut scratch);
        let stream = std::pin::Pin::new(&mut self.get_mut().0);
        std::task::ready!(tokio::io::AsyncRead::poll_read(stream, cx, &mut read))?;
        buf.put_slice(read.filled());
        std::task::Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Io {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        tokio::io::AsyncWrite::poll_write(std::pin::Pin::new(&mut self.get_mut().0), cx, buf)
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        tokio::io::AsyncWrite::poll_flush(std::pin::Pin::new(&mut self.get_mut().0), cx)
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        tokio::io::AsyncWrite::poll_shutdown(std::pin::Pin::new(&mut self.get_mut().0), cx)
    }
}
