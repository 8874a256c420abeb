//! The telemetry pipeline: what spans are, how they are batched, encoded as OTLP and sent.
//! Knows nothing of Python; `crates/python` binds it.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod attribute;
pub mod diagnostics;
pub mod export;
pub mod fork;
pub mod instrumentation;
pub mod json;
pub mod logs;
pub mod metrics;
pub mod otlp;
pub mod propagation;
pub mod text;
pub mod trace;
