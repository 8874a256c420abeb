//! An exporter's settings, as Python hands them over: `oxitel.export.settings.Settings`, which has the
//! same fields.

#![expect(
    clippy::disallowed_macros,
    reason = "what the derive writes; exporters are set up before a program has threads that fork"
)]

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use telemetry::export::{Compression, ExporterConfig, Protocol, Signal, TlsConfig};

use crate::convert::duration;

#[derive(FromPyObject)]
pub(super) struct Settings {
    signal: String,
    protocol: String,
    endpoint: String,
    headers: Vec<(String, Vec<u8>)>,
    timeout_seconds: f64,
    compression: String,
    insecure: bool,
    ca_pem: Option<Vec<u8>>,
    client_certificate_pem: Option<Vec<u8>>,
    client_key_pem: Option<Vec<u8>>,
    max_request_bytes: Option<usize>,
    retryable_grpc_codes: Option<Vec<u32>>,
    pub(super) proxy: Option<String>,
    user_agent: String,
}

impl Settings {
    /// Without the proxy, which is no part of it.
    pub(super) fn config(self) -> PyResult<ExporterConfig> {
        Ok(ExporterConfig {
            signal: known("signal", &self.signal, Signal::named)?,
            protocol: known("protocol", &self.protocol, Protocol::named)?,
            endpoint: self.endpoint,
            headers: self.headers,
            timeout: duration::of_seconds(self.timeout_seconds),
            compression: known("compression", &self.compression, Compression::named)?,
            tls: TlsConfig {
                insecure: self.insecure,
                ca_pem: self.ca_pem,
                client_certificate_pem: self.client_certificate_pem,
                client_key_pem: self.client_key_pem,
            },
            max_request_bytes: self.max_request_bytes,
            retryable_grpc_codes: self.retryable_grpc_codes,
            user_agent: self.user_agent,
        })
    }
}

/// What `name` names, by `named`; ValueError, with `what` it should have named, for nothing.
pub(super) fn known<T>(what: &str, name: &str, named: fn(&str) -> Option<T>) -> PyResult<T> {
    named(name).ok_or_else(|| PyValueError::new_err(format!("unknown {what}: {name}")))
}
