//! Where spans, log records and metrics go: the processors of a provider, native queues, and OTLP
//! exporters. The queues and the transport themselves are in `telemetry::export`.

pub(crate) mod answers;
pub(crate) mod bell;
pub(crate) mod buffer;
pub(crate) mod carrier;
pub(crate) mod endpoint;
pub(crate) mod exporter;
pub(crate) mod group;
pub(crate) mod pipeline;
pub(crate) mod queue;
mod settings;
mod waiting;
