//! Metrics: measurements are added up in place, in streams of series, and collected as
//! `otlp::metric_data`, which `otlp::metric` writes.

pub mod aggregate;
pub mod amount;
pub mod exponential;
pub mod reservoir;
pub mod series;
pub mod stream;
