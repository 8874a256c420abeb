//! How telemetry leaves: a bounded batch queue, one worker thread, OTLP over HTTP and gRPC, or by
//! a client of the host's.
//! Nothing here raises into the application: what cannot be delivered is counted and said once.

mod account;
mod attempt;
pub mod batch;
pub mod carrier;
mod carrying;
mod config;
mod courier;
mod deliver;
mod disk;
mod exporter;
mod flush;
mod keeping;
mod kept_metrics;
mod operation;
mod probe;
mod queue;
mod report;
pub mod retry;
mod sender;
mod session;
mod settled;
mod shared_queue;
pub mod spool;
mod transport;
mod urgency;
mod verdict;
mod worker;

pub use config::{DEFAULT_TIMEOUT, ExporterConfig, MAX_HTTP_REQUEST_BYTES};
pub use exporter::{ExportError, ExportSummary, Exporter, PendingExport};
pub use kept_metrics::{KeptMetrics, each_second};
pub use operation::Operation;
pub use probe::{Outcome, Probe};
pub use transport::ConfigError;
pub use transport::compress::Compression;
pub use transport::endpoint::{Address, Endpoint, redacted, scheme_and_authority};
pub use transport::tls::TlsConfig;
pub use worker::set_on_start;

pub use crate::otlp::signal::{Protocol, Signal};
