//! OTLP exporters. What they are given is encoded already: by the rooms of the signals.

use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use telemetry::export::carrier::Carrier;
use telemetry::export::{Outcome, Signal};
use telemetry::otlp::request::Batch;

use super::carrier::PythonCarrier;
use super::settings::{Settings, known};
use super::waiting;
use crate::convert::duration;
use crate::convert::value::no_memory;
use crate::process::diagnostics;

/// The request that a batch is, as Python's bytes.
pub(crate) fn request_of<'py>(py: Python<'py>, batch: &Batch) -> PyResult<Bound<'py, PyBytes>> {
    let mut request = Vec::new();
    batch.try_encode_into(&mut request).map_err(no_memory)?;
    PyBytes::new_with(py, request.len(), |bytes| {
        bytes.copy_from_slice(&request);
        Ok(())
    })
}

/// An OTLP destination.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct Exporter {
    pub(crate) exporter: Arc<telemetry::export::Exporter>,
    timeout: Duration,
    carrier: Option<Arc<PythonCarrier>>,
}

#[pymethods]
impl Exporter {
    #[new]
    fn new(mut settings: Settings) -> PyResult<Self> {
        let proxy = settings.proxy.take();
        let config = settings.config()?;
        let timeout = config.timeout;
        let exporter = telemetry::export::Exporter::with_proxy(config, proxy.as_deref())
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            exporter: Arc::new(exporter),
            timeout,
            carrier: None,
        })
    }

    /// One whose requests a client carries, which `make` makes in each process, as messages of at most
    /// so many bytes.
    #[staticmethod]
    fn carried(
        signal: &str,
        destination: String,
        timeout_seconds: f64,
        max_message_bytes: usize,
        make: Py<PyAny>,
    ) -> PyResult<Self> {
        let signal = known("signal", signal, Signal::named)?;
        let timeout = duration::of_seconds(timeout_seconds);
        let carrier = Arc::new(PythonCarrier::new(destination, make));
        let exporter = telemetry::export::Exporter::carried(
            signal,
            Arc::clone(&carrier) as Arc<dyn Carrier>,
            timeout,
            max_message_bytes,
        );
        Ok(Self {
            exporter: Arc::new(exporter),
            timeout,
            carrier: Some(carrier),
        })
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

    /// Sends an empty request once and waits for the answer: what became of it, the HTTP status or
    /// gRPC code if there is one, what was said, and the answer's `Date` header.
    fn probe(
        &self,
        py: Python<'_>,
        timeout_seconds: f64,
    ) -> (&'static str, String, String, Option<String>) {
        let probe = py.detach(|| self.exporter.probe(duration::of_seconds(timeout_seconds)));
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
        if let Some(carrier) = &self.carrier {
            carrier.close();
        }
    }
}

impl Exporter {
    /// Whether everything in `batch` was delivered within the exporter's timeout.
    pub(crate) fn export(&self, py: Python<'_>, batch: Batch) -> PyResult<bool> {
        if batch.is_empty() {
            return Ok(true);
        }
        let is_delivered = self.export_within(py, batch, self.timeout);
        diagnostics::log_pending(py);
        is_delivered
    }

    /// Whether everything in `batch` was delivered within `timeout`.
    pub(crate) fn export_within(
        &self,
        py: Python<'_>,
        batch: Batch,
        timeout: Duration,
    ) -> PyResult<bool> {
        match py.detach(|| self.exporter.begin_export(batch, timeout)) {
            Ok(export) => waiting::wait(py, move |patience| export.wait(patience))
                .map(|outcome| outcome.is_ok()),
            Err(_) => Ok(false),
        }
    }
}
