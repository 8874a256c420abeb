//! Metrics: measurements are added up in place, in streams of series, and collected as `data`,
//! which `otlp::metric` writes.

pub mod aggregate;
pub mod attributes;
pub mod data;
pub mod exponential;
pub mod reservoir;
pub mod series;
pub mod stream;
