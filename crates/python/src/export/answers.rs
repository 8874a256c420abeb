//! What the exporters make of a receiver's answers, for exports through an object of the user's: a gRPC
//! channel, an HTTP session.

use std::time::SystemTime;

use pyo3::prelude::*;
use telemetry::export::{Signal, retry};
use telemetry::otlp::read;

use super::settings::known;
use crate::convert::duration;

/// The seconds to wait after `failures` failures in a row, where the receiver asked for that many.
#[pyfunction]
pub(crate) fn retry_wait(failures: u32, asked_seconds: Option<f64>) -> f64 {
    let asked = asked_seconds.map(duration::of_seconds);
    let wait = asked.and_then(retry::granted);
    wait.unwrap_or_else(|| retry::backoff(failures))
        .as_secs_f64()
}

/// The seconds that a `Retry-After` header asks for.
#[pyfunction]
pub(crate) fn retry_after(value: &str) -> Option<f64> {
    let asked = retry::retry_after(value.as_bytes(), SystemTime::now());
    asked.map(|asked| asked.as_secs_f64())
}

/// The seconds that a gRPC answer asks for in its trailers: `grpc-status-details-bin`, or
/// `google.rpc.retryinfo-bin`.
#[pyfunction]
pub(crate) fn grpc_retry_delay(
    status_details: Option<&[u8]>,
    retry_info: Option<&[u8]>,
) -> Option<f64> {
    let asked = retry::grpc_retry_delay(status_details, retry_info);
    asked.map(|asked| asked.as_secs_f64())
}

/// Whether a request with this HTTP status may be sent again.
#[pyfunction]
pub(crate) fn is_retryable_http(status: u16) -> bool {
    retry::is_retryable_http(status)
}

/// Whether a gRPC status says that the request was too large.
#[pyfunction]
pub(crate) fn is_too_large_grpc(code: u32, message: &str) -> bool {
    retry::is_too_large_grpc(code, message)
}

/// How many records the body of an export response says were rejected, and why.
#[pyfunction]
pub(crate) fn partial_success(response: &[u8]) -> Option<(u64, String)> {
    let partial = read::partial_success(response)?;
    Some((partial.rejected, partial.error_message))
}

/// The method that takes a signal's export requests, as gRPC names it.
#[pyfunction]
pub(crate) fn grpc_method(signal: &str) -> PyResult<&'static str> {
    known("signal", signal, Signal::named).map(Signal::grpc_path)
}
