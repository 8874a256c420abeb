//! What the user says of an exporter, and what holds where he says nothing.

use std::time::Duration;

use super::spool::SpoolConfig;
use super::transport::compress::Compression;
use super::transport::tls::TlsConfig;
use crate::otlp::signal::{Protocol, Signal};

/// The limit for one export with all its retries (OTLP exporter specification).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest body of an HTTP request before compression, in bytes: 64 MiB.
pub const MAX_HTTP_REQUEST_BYTES: usize = 64 * 1024 * 1024;

/// One exporter's configuration, as the user gave it; `Exporter::new` checks it.
#[derive(Clone, Debug)]
pub struct ExporterConfig {
    /// What is exported.
    pub signal: Signal,
    /// How it travels.
    pub protocol: Protocol,
    /// HTTP: the whole URL, path included. gRPC: a URL (its path is ignored), `host:port`, or one of
    /// gRPC's own forms (`unix:///path`, `dns:host:port`, …).
    pub endpoint: String,
    /// Sent with every request; they win over the exporter's own. gRPC: a name may occur more than
    /// once, and values of names that end in `-bin` are sent as base64.
    pub headers: Vec<(String, Vec<u8>)>,
    /// For one export, all its retries included.
    pub timeout: Duration,
    /// Of the requests' bodies.
    pub compression: Compression,
    /// Whom to trust, and who we are.
    pub tls: TlsConfig,
    /// Larger requests are split; measured before compression, in bytes.
    pub max_request_bytes: Option<usize>,
    /// gRPC status codes to retry in place of the official seven.
    pub retryable_grpc_codes: Option<Vec<u32>>,
    /// The header `user-agent`.
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
            timeout: DEFAULT_TIMEOUT,
            compression: Compression::None,
            tls: TlsConfig::default(),
            max_request_bytes: match protocol {
                Protocol::HttpProtobuf => Some(MAX_HTTP_REQUEST_BYTES),
                Protocol::Grpc => None,
            },
            retryable_grpc_codes: None,
            user_agent: concat!("OTel-OTLP-Exporter-oxitel/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// How records are gathered (specification, trace/sdk.md, "Batching processor").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchConfig {
    /// Records that may wait, at least 1; where nobody says, 16 MiB of them.
    pub max_queue_size: Option<usize>,
    /// The longest a record waits for its batch to fill.
    pub schedule_delay: Duration,
    /// Records in one request; at most `max_queue_size`.
    pub max_export_batch_size: usize,
    /// How long what is queued may take to be sent when the processor is dropped without a
    /// shutdown.
    pub export_timeout: Duration,
    /// Where what is not delivered outlives the process.
    pub spool: Option<SpoolConfig>,
}

/// Times beyond what the clock can say mean "no limit"; a year will do.
pub(crate) fn limited(time: Duration) -> Duration {
    time.min(Duration::from_secs(365 * 24 * 60 * 60))
}
