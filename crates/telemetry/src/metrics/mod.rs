//! Metrics: measurements are added up in place, in streams of series, and collected as `data`,
//! which `otlp::metric` writes.

pub mod attributes;
pub mod data;
