//! OTLP exporters, and records as the bodies of OTLP requests.

use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use telemetry::export::{
    Compression, Exporter, ExporterConfig, Outcome, Protocol, Signal, TlsConfig,
};
use telemetry::otlp::request::Batch;

use super::group::Groups;
use super::waiting;
use crate::logs;
use crate::process::diagnostics;
use crate::trace::encode::with_encoded;
use crate::trace::readable::ReadableSpan;

/// An OTLP destination.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct OtlpExporter {
    pub(super) exporter: Arc<Exporter>,
    timeout: Duration,
}

#[pymethods]
impl OtlpExporter {
    #[new]
    #[pyo3(signature = (signal, protocol, endpoint, headers, timeout_seconds, compression, insecure, ca_pem,
        client_certificate_pem, client_key_pem, max_request_bytes, retryable_codes, user_agent, proxy=None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "one value for each part of the configuration"
    )]
    fn new(
        signal: &str,
        protocol: &str,
        endpoint: String,
        headers: Vec<(String, Vec<u8>)>,
        timeout_seconds: f64,
        compression: &str,
        insecure: bool,
        ca_pem: Option<Vec<u8>>,
        client_certificate_pem: Option<Vec<u8>>,
        client_key_pem: Option<Vec<u8>>,
        max_request_bytes: Option<usize>,
        retryable_codes: Option<Vec<u32>>,
        user_agent: String,
        proxy: Option<&str>,
    ) -> PyResult<Self> {
        let unknown =
            |what: &str, value: &str| PyValueError::new_err(format!("unknown {what}: {value}"));
        let timeout = millis(timeout_seconds * 1000.0);
        let config = ExporterConfig {
            signal: match signal {
                "traces" => Signal::Traces,
                "metrics" => Signal::Metrics,
                "logs" => Signal::Logs,
                _ => return Err(unknown("signal", signal)),
            },
            protocol: match protocol {
                "grpc" => Protocol::Grpc,
                "http/protobuf" => Protocol::HttpProtobuf,
                _ => return Err(unknown("protocol", protocol)),
            },
            endpoint,
            headers,
            timeout,
            compression: match compression {
                "none" => Compression::None,
                "gzip" => Compression::Gzip,
                "deflate" => Compression::Deflate,
                "zstd" => Compression::Zstd,
                _ => return Err(unknown("compression", compression)),
            },
            tls: TlsConfig {
                insecure,
                ca_pem,
                client_certificate_pem,
                client_key_pem,
            },
            max_request_bytes,
            retryable_grpc_codes: retryable_codes,
            user_agent,
        };
        let exporter = Exporter::with_proxy(config, proxy)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            exporter: Arc::new(exporter),
            timeout,
        })
    }

    /// Exports `spans` and waits for the answer.
    fn export_spans(&self, py: Python<'_>, spans: Vec<Bound<'_, ReadableSpan>>) -> PyResult<bool> {
        self.export(py, span_batch(&spans)?)
    }

    /// Exports `logs` and waits for the answer.
    fn export_logs(&self, py: Python<'_>, logs: Vec<Bound<'_, PyAny>>) -> PyResult<bool> {
        self.export(py, log_batch(&logs)?)
    }

    /// Has operations kept from now on.
    fn keep_operations(&self) {
        self.exporter.keep_operations();
    }

    /// For each export that ended since the last call: its seconds (None where records were given
    /// up after earlier exports), the numbers of records that
    /// were delivered, rejected and failed, whether something is not delivered, and the last
    /// error's HTTP status or gRPC code, if it has one.
    fn take_operations(
        &self,
        py: Python<'_>,
    ) -> Vec<(Option<f64>, usize, usize, usize, bool, String)> {
        let operations = py.detach(|| self.exporter.take_operations());
        operations
            .into_iter()
            .map(|operation| {
                (
                    operation.duration.map(|duration| duration.as_secs_f64()),
                    operation.delivered,
                    operation.rejected,
                    operation.failed,
                    operation.is_failure,
                    operation.code,
                )
            })
            .collect()
    }

    /// How many records are being exported, where operations are kept.
    fn in_flight(&self) -> usize {
        self.exporter.in_flight()
    }

    /// Exports a `MetricsData`, in requests of at most `max_export_batch_size` data points if that
    /// is given, and waits for the answers.
    fn export_metrics(
        &self,
        metrics_data: &Bound<'_, PyAny>,
        timeout_seconds: f64,
        max_export_batch_size: Option<usize>,
    ) -> PyResult<bool> {
        crate::metrics::collect::export(
            metrics_data,
            &self.exporter,
            millis(timeout_seconds * 1000.0),
            max_export_batch_size,
        )
    }

    /// Sends an empty request once and waits for the answer: what became of it, the HTTP status or
    /// gRPC code if there is one, what was said, and the answer's `Date` header.
    fn probe(
        &self,
        py: Python<'_>,
        timeout_seconds: f64,
    ) -> (&'static str, String, String, Option<String>) {
        let probe = py.detach(|| self.exporter.probe(millis(timeout_seconds * 1000.0)));
        let outcome = match probe.outcome {
            Outcome::Accepted => "accepted",
            Outcome::Refused => "refused",
            Outcome::Busy => "busy",
            Outcome::Unconnected => "unconnected",
            Outcome::Broken => "broken",
            Outcome::TimedOut => "timed out",
        };
        (outcome, probe.code, probe.text, probe.date)
    }

    fn shutdown(&self, py: Python<'_>) {
        py.detach(|| self.exporter.shutdown());
    }
}

impl OtlpExporter {
    fn export(&self, py: Python<'_>, batch: Batch) -> PyResult<bool> {
        if batch.is_empty() {
            return Ok(true);
        }
        let is_delivered = export_and_wait(py, &self.exporter, batch, self.timeout);
        diagnostics::log_pending(py);
        is_delivered
    }
}

/// Whether everything in `batch` was delivered within `timeout`.
pub(crate) fn export_and_wait(
    py: Python<'_>,
    exporter: &Exporter,
    batch: Batch,
    timeout: Duration,
) -> PyResult<bool> {
    match py.detach(|| exporter.begin_export(batch, timeout)) {
        Ok(export) => {
            waiting::wait(py, move |patience| export.wait(patience)).map(|outcome| outcome.is_ok())
        }
        Err(_) => Ok(false),
    }
}

/// `spans` as the body of an `ExportTraceServiceRequest`.
#[pyfunction]
pub(crate) fn encode_spans<'py>(
    py: Python<'py>,
    spans: Vec<Bound<'py, ReadableSpan>>,
) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &span_batch(&spans)?.encode()))
}

/// `logs`, each a `ReadableLogRecord`, as the body of an `ExportLogsServiceRequest`.
#[pyfunction]
pub(crate) fn encode_logs<'py>(
    py: Python<'py>,
    logs: Vec<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &log_batch(&logs)?.encode()))
}

fn span_batch(spans: &[Bound<'_, ReadableSpan>]) -> PyResult<Batch> {
    let mut batch = Batch::new();
    let groups = Groups::default();
    for span in spans {
        let group = groups.of_record(span)?;
        with_encoded(span.py(), span.get(), |bytes| batch.push(&group, bytes))?;
    }
    Ok(batch)
}

fn log_batch(logs: &[Bound<'_, PyAny>]) -> PyResult<Batch> {
    let mut batch = Batch::new();
    let groups = Groups::default();
    for log in logs {
        let group = groups.of_record(log)?;
        logs::record::with_encoded(log, |bytes| batch.push(&group, bytes))?;
    }
    Ok(batch)
}

pub(super) fn millis(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis.max(0.0) / 1000.0).unwrap_or(Duration::MAX)
}
