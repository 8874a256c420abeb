//! Where spans go when they end: a provider's processors, native and Python, in their order.
//!
//! Processors written in Python are the slow lane: they are called with the interpreter attached,
//! and what they raise is logged. Where there are none, none of this costs anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use telemetry::export::batch::{BatchConfig, BatchProcessor};
use telemetry::export::{Compression, Exporter, ExporterConfig, Protocol, Signal, TlsConfig};
use telemetry::otlp::request::{Batch, Group};

use crate::diagnostics;
use crate::replaceable::Replaceable;
use crate::termination;
use crate::trace::encode::with_encoded;
use crate::trace::readable::ReadableSpan;
use crate::trace::settings;

/// The processors of one provider.
#[derive(Default)]
pub(crate) struct Pipeline {
    stages: Vec<Stage>,
    has_listeners: bool,
}

enum Stage {
    Native(BatchProcessor),
    Python(Listener),
}

/// A processor written in Python, and which of its methods do something.
struct Listener {
    processor: Py<PyAny>,
    on_start: Option<Method>,
    on_ending: Option<Method>,
    on_end: Option<Method>,
}

/// A method of a [`Listener`]; what it raises is logged the first time.
struct Method {
    name: &'static str,
    has_failed: AtomicBool,
}

impl Pipeline {
    /// The pipeline behind `processor`: its own, if it is the official multi processor, else one
    /// that calls it.
    pub(crate) fn of_processor(processor: &Bound<'_, PyAny>) -> PyResult<Arc<Replaceable<Self>>> {
        let py = processor.py();
        let class = py
            .import("oxitel.trace.processor")?
            .getattr("SynchronousMultiSpanProcessor")?;
        if processor.get_type().is(&class)
            && let Ok(pipeline) = processor.getattr("_pipeline")?.cast::<SharedPipeline>()
        {
            return Ok(pipeline.get().pipeline.clone());
        }
        Ok(Arc::new(Replaceable::new(Self::of_processors(
            &PyTuple::new(py, [processor])?,
        )?)))
    }

    fn of_processors(processors: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let stages = processors
            .iter()
            .map(|processor| Stage::of_processor(&processor))
            .collect::<PyResult<Vec<_>>>()?;
        let has_listeners = stages.iter().any(|stage| matches!(stage, Stage::Python(_)));
        Ok(Self {
            stages,
            has_listeners,
        })
    }

    pub(crate) fn on_start(
        &self,
        span: &Bound<'_, ReadableSpan>,
        parent_context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if !self.has_listeners {
            return Ok(());
        }
        let options = PyDict::new(span.py());
        options.set_item(pyo3::intern!(span.py(), "parent_context"), parent_context)?;
        for (listener, method) in self.listeners(|listener| listener.on_start.as_ref()) {
            listener.call(method, span, Some(&options))?;
        }
        Ok(())
    }

    pub(crate) fn on_end(&self, span: &Bound<'_, ReadableSpan>) -> PyResult<()> {
        if self.has_listeners {
            for (listener, method) in self.listeners(|listener| listener.on_ending.as_ref()) {
                listener.call(method, span, None)?;
            }
        }
        for stage in &self.stages {
            match stage {
                Stage::Native(batch) => push(span.py(), batch, span.get()),
                Stage::Python(listener) => {
                    if let Some(method) = &listener.on_end {
                        listener.call(method, span, None)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn listeners<'a>(
        &'a self,
        method: impl Fn(&'a Listener) -> Option<&'a Method>,
    ) -> impl Iterator<Item = (&'a Listener, &'a Method)> {
        self.stages.iter().filter_map(move |stage| match stage {
            Stage::Native(_) => None,
            Stage::Python(listener) => Some((listener, method(listener)?)),
        })
    }
}

impl Listener {
    // A processor that raises must not break the code that made the span; only what no library
    // may stop (KeyboardInterrupt, SystemExit) passes.
    fn call(
        &self,
        method: &Method,
        span: &Bound<'_, ReadableSpan>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let py = span.py();
        let processor = self.processor.bind(py);
        let Err(error) = processor.call_method(method.name, (span,), options) else {
            return Ok(());
        };
        if !error.is_instance_of::<PyException>(py) {
            return Err(error);
        }
        if !method.has_failed.swap(true, Ordering::Relaxed) {
            let text = format!(
                "Exception while calling {} of span processor {}.",
                method.name,
                processor.repr().map_or_else(
                    |_| String::new(),
                    |text| text.to_string_lossy().into_owned()
                ),
            );
            diagnostics::report_exception(py, diagnostics::TRACE, &text, &error);
        }
        Ok(())
    }
}

impl Stage {
    fn of_processor(processor: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = processor.py();
        let class = processor.get_type();
        let module = py.import("oxitel.trace.processor")?;
        let base = module.getattr("SpanProcessor")?;
        let batch = py
            .import("oxitel.trace.batch")?
            .getattr("BatchSpanProcessor")?;
        // A method that is the one of `of`, neither overridden nor replaced on the instance.
        let is_method_of = |name: &str, of: &Bound<'_, PyAny>| -> PyResult<bool> {
            let is_own = processor
                .getattr("__dict__")
                .is_ok_and(|own| own.contains(name).unwrap_or(false));
            Ok(!is_own
                && class
                    .getattr_opt(name)?
                    .is_some_and(|method| of.getattr(name).is_ok_and(|other| method.is(&other))))
        };
        let is_batch = is_method_of("on_start", &batch)?
            && is_method_of("_on_ending", &batch)?
            && is_method_of("on_end", &batch)?;
        if is_batch
            && let Some(native) = processor.getattr_opt("_native")?
            && let Ok(native) = native.cast::<NativeBatchProcessor>()
        {
            return Ok(Self::Native(native.get().processor.clone()));
        }
        let method = |name: &'static str| -> PyResult<Option<Method>> {
            let does_something = processor.hasattr(name)? && !is_method_of(name, &base)?;
            Ok(does_something.then(|| Method {
                name,
                has_failed: AtomicBool::new(false),
            }))
        };
        Ok(Self::Python(Listener {
            on_start: if is_batch { None } else { method("on_start")? },
            on_ending: if is_batch {
                None
            } else {
                method("_on_ending")?
            },
            on_end: method("on_end")?,
            processor: processor.clone().unbind(),
        }))
    }
}

fn push(py: Python<'_>, batch: &BatchProcessor, span: &ReadableSpan) {
    if !span
        .identity
        .as_ref()
        .is_some_and(|identity| identity.context.is_sampled())
    {
        return;
    }
    let pushed = span
        .group(py)
        .and_then(|group| with_encoded(py, span, |bytes| batch.push(&group, bytes)));
    if let Err(error) = pushed {
        diagnostics::report_exception(
            py,
            diagnostics::ENCODER,
            "a span could not be encoded and is dropped",
            &error,
        );
    }
}

/// The native half of a `SynchronousMultiSpanProcessor`.
#[pyclass(frozen, name = "Pipeline", module = "oxitel._native")]
pub(crate) struct SharedPipeline {
    pipeline: Arc<Replaceable<Pipeline>>,
}

#[pymethods]
impl SharedPipeline {
    #[new]
    fn new() -> Self {
        Self {
            pipeline: Arc::new(Replaceable::new(Pipeline::default())),
        }
    }

    fn set_processors(&self, processors: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.pipeline.replace(Pipeline::of_processors(processors)?);
        Ok(())
    }
}

/// A bounded queue in front of a native exporter.
#[pyclass(frozen, name = "BatchProcessor", module = "oxitel._native")]
pub(crate) struct NativeBatchProcessor {
    processor: BatchProcessor,
    /// What `termination` knows it by; zero if it does not.
    termination_id: AtomicU64,
}

#[pymethods]
impl NativeBatchProcessor {
    #[new]
    fn new(
        exporter: &OtlpExporter,
        max_queue_size: usize,
        schedule_delay_millis: f64,
        max_export_batch_size: usize,
        export_timeout_millis: f64,
    ) -> Self {
        let config = BatchConfig {
            max_queue_size,
            schedule_delay: millis(schedule_delay_millis),
            max_export_batch_size,
            export_timeout: millis(export_timeout_millis),
        };
        Self {
            processor: BatchProcessor::new(config, exporter.exporter.clone()),
            termination_id: AtomicU64::new(0),
        }
    }

    fn on_end(&self, py: Python<'_>, span: &Bound<'_, ReadableSpan>) {
        push(py, &self.processor, span.get());
    }

    fn force_flush(&self, py: Python<'_>, timeout_millis: f64) -> bool {
        let is_flushed = py.detach(|| self.processor.force_flush(millis(timeout_millis)));
        diagnostics::log_pending(py);
        is_flushed
    }

    /// Flushes for at most `limit_millis` when SIGTERM, unhandled, would end the process.
    fn flush_on_termination(&self, limit_millis: f64) {
        let id = termination::protect(&self.processor, millis(limit_millis));
        self.termination_id.store(id, Ordering::Relaxed);
    }

    fn shutdown(&self, py: Python<'_>, timeout_millis: f64) -> bool {
        termination::forget(self.termination_id.load(Ordering::Relaxed));
        let is_delivered = py.detach(|| self.processor.shutdown(millis(timeout_millis)));
        diagnostics::log_pending(py);
        is_delivered
    }

    /// How many records are queued, in flight, delivered, and lost for which reason.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.processor.counts();
        let dict = PyDict::new(py);
        dict.set_item("queued", counts.queued)?;
        dict.set_item("in_flight", counts.in_flight)?;
        dict.set_item("delivered", counts.delivered)?;
        dict.set_item("dropped_queue_full", counts.dropped_queue_full)?;
        dict.set_item("dropped_after_shutdown", counts.dropped_after_shutdown)?;
        dict.set_item("rejected", counts.rejected)?;
        dict.set_item("failed", counts.failed)?;
        Ok(dict)
    }
}

/// An OTLP destination.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct OtlpExporter {
    exporter: Arc<Exporter>,
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
        headers: Vec<(String, String)>,
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
        let batch = new_batch(py, &spans)?;
        if batch.is_empty() {
            return Ok(true);
        }
        let result = py.detach(|| self.exporter.export_blocking(batch, self.timeout));
        diagnostics::log_pending(py);
        Ok(result.is_ok())
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

    fn shutdown(&self, py: Python<'_>) {
        py.detach(|| self.exporter.shutdown());
    }
}

/// `spans` as the body of an `ExportTraceServiceRequest`.
#[pyfunction]
pub(crate) fn encode_spans<'py>(
    py: Python<'py>,
    spans: Vec<Bound<'py, ReadableSpan>>,
) -> PyResult<Bound<'py, pyo3::types::PyBytes>> {
    Ok(pyo3::types::PyBytes::new(
        py,
        &new_batch(py, &spans)?.encode(),
    ))
}

fn new_batch(py: Python<'_>, spans: &[Bound<'_, ReadableSpan>]) -> PyResult<Batch> {
    let mut batch = Batch::new();
    // Spans that were built by hand bring their resource and scope along; each pair is encoded once.
    let mut groups: Vec<([usize; 2], Arc<Group>)> = Vec::new();
    for span in spans {
        let resource = span.getattr(pyo3::intern!(py, "resource"))?;
        let scope = span.getattr(pyo3::intern!(py, "instrumentation_scope"))?;
        let key = [resource.as_ptr().addr(), scope.as_ptr().addr()];
        let known = groups
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, group)| group.clone());
        let group = match known {
            Some(group) => group,
            None => {
                let group = settings::new_group(&resource, &scope)?;
                groups.push((key, group.clone()));
                group
            }
        };
        with_encoded(py, span.get(), |bytes| batch.push(&group, bytes))?;
    }
    Ok(batch)
}

fn millis(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis.max(0.0) / 1000.0).unwrap_or(Duration::MAX)
}
