//! How telemetry leaves: a bounded batch queue, one worker thread, OTLP over HTTP and gRPC.
//! Nothing here raises into the application: what cannot be delivered is counted and said once.

mod answer;
pub mod batch;
mod compress;
mod connect;
mod deliver;
mod endpoint;
mod exporter;
mod gather;
mod grpc;
mod http;
mod line;
mod link;
mod operation;
mod probe;
mod proxy;
mod queue;
pub mod retry;
pub mod spool;
mod tls;
mod worker;

use std::time::Duration;

pub use exporter::{ExportError, ExportSummary, Exporter, PendingExport};
pub use operation::Operation;
pub use probe::{Outcome, Probe};

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    /// What one record is called in messages, in the plural.
    pub(crate) fn records(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    /// What one record is called in the official batch processors' messages.
    pub(crate) fn record(self) -> &'static str {
        match self {
            Self::Traces => "Span",
            Self::Metrics => "Metric",
            Self::Logs => "Log",
        }
    }

    /// The official gRPC exporters' `_exporting`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    fn grpc_path(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    Grpc,
    HttpProtobuf,
}

/// How request bodies are compressed (`Deflate` is the zlib format, as HTTP and gRPC have it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Deflate,
    Zstd,
}

/// Certificates and keys as the contents of PEM files.
#[derive(Clone, Debug, Default)]
pub struct TlsConfig {
    /// Plain text for a gRPC endpoint without the scheme `https`. With HTTP the scheme decides.
    pub insecure: bool,
    /// Whom to trust; the operating system's certificates where this is `None`.
    pub ca_pem: Option<Vec<u8>>,
    /// The client's certificate chain, for mutual TLS.
    pub client_certificate_pem: Option<Vec<u8>>,
    /// The client's key (PKCS#8, PKCS#1 or SEC1); looked for in the certificate's file where this
    /// is `None`.
    pub client_key_pem: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub struct ExporterConfig {
    pub signal: Signal,
    pub protocol: Protocol,
    /// HTTP: the whole URL, path included. gRPC: a URL (its path is ignored), `host:port`, or one of
    /// gRPC's own forms (`unix:///path`, `dns:host:port`, …).
    pub endpoint: String,
    /// Sent with every request; they win over the exporter's own. gRPC: a name may occur more than
    /// once, and values of names that end in `-bin` are sent as base64.
    pub headers: Vec<(String, Vec<u8>)>,
    /// For one export, all its retries included.
    pub timeout: Duration,
    pub compression: Compression,
    pub tls: TlsConfig,
    /// Larger requests are split; measured before compression.
    pub max_request_bytes: Option<usize>,
    /// gRPC status codes to retry in place of the official seven.
    pub retryable_grpc_codes: Option<Vec<u32>>,
    pub user_agent: String,
}

impl ExporterConfig {
    /// The defaults of the specification: 10 s, no compression, plain text by scheme, and for
    /// HTTP requests of at most 64 MiB.
    pub fn new(signal: Signal, protocol: Protocol, endpoint: impl Into<String>) -> Self {
        Self {
            signal,
            protocol,
            endpoint: endpoint.into(),
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            compression: Compression::None,
            tls: TlsConfig::default(),
            max_request_bytes: match protocol {
                Protocol::HttpProtobuf => Some(64 * 1024 * 1024),
                Protocol::Grpc => None,
            },
            retryable_grpc_codes: None,
            user_agent: concat!("OTel-OTLP-Exporter-oxitel/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Times beyond what the clock can say mean "no limit"; a year will do.
pub(crate) fn limited(time: Duration) -> Duration {
    time.min(Duration::from_secs(365 * 24 * 60 * 60))
}

/// What is wrong with a configuration; the text names the part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub(crate) String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}
