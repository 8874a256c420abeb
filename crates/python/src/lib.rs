//! `oxitel._native`: the telemetry crate for Python programs.
//!
//! It holds what is Python's: the span, whose attributes are Python objects until it ends
//! (docs/decisions/0001), the official classes' methods, contexts, processors and carriers. Every rule that
//! needs no Python is in the telemetry crate. Everything here runs attached to the interpreter; nothing
//! that the telemetry crate's worker does comes this way, but for a client of the user's that carries what
//! it sends (`export/carrier.rs`).
//!
//! The rooms, each of which needs only those before it: `threads`, `imports`, `process`, `convert`,
//! `export`, `trace`, then `logs`, `metrics` and `propagation`, and `instrumentation` on top.

// First, for its macro.
#[macro_use]
mod threads;

mod convert;
mod export;
mod imports;
mod instrumentation;
mod logs;
mod metrics;
mod process;
mod propagation;
mod trace;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {
    use super::PyResult;
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    // Before everything else.
    #[pymodule_export]
    use super::process::interpreter::only_main;

    #[pymodule_export]
    const MAX_HTTP_REQUEST_BYTES: usize = telemetry::export::MAX_HTTP_REQUEST_BYTES;
    #[pymodule_export]
    const EXPORT_TIMEOUT_SECONDS: f64 = telemetry::export::DEFAULT_TIMEOUT.as_secs_f64();
    #[pymodule_export]
    const GRPC_CODES: [&str; 17] = telemetry::export::retry::GRPC_CODES;
    #[pymodule_export]
    const RETRYABLE_GRPC_CODES: [u32; 7] = telemetry::export::retry::RETRYABLE_GRPC_CODES;

    #[pymodule_export]
    use super::convert::bounded_attributes::final_attributes;
    #[pymodule_export]
    use super::export::answers::{
        grpc_method, grpc_retry_delay, is_retryable_http, is_too_large_grpc, partial_success,
        retry_after, retry_wait,
    };
    #[pymodule_export]
    use super::export::bell::Bell;
    #[pymodule_export]
    use super::export::buffer::buffer_files;
    #[pymodule_export]
    use super::export::carrier::PythonErrand;
    #[pymodule_export]
    use super::export::endpoint::{Endpoint, default_port, scheme_and_authority, shown_endpoint};
    #[pymodule_export]
    use super::export::exporter::Exporter;
    #[pymodule_export]
    use super::export::pipeline::SharedPipeline;
    #[pymodule_export]
    use super::export::queue::NativeBatchProcessor;
    #[pymodule_export]
    use super::instrumentation::asgi_send::AsgiSend;
    #[pymodule_export]
    use super::instrumentation::client::HttpClient;
    #[pymodule_export]
    use super::instrumentation::client_call::ClientCall;
    #[pymodule_export]
    use super::instrumentation::client_method::ClientMethod;
    #[pymodule_export]
    use super::instrumentation::client_trace::{ClientTrace, ClientTraces, url_text};
    #[pymodule_export]
    use super::instrumentation::database::Database;
    #[pymodule_export]
    use super::instrumentation::database_call::DatabaseCall;
    #[pymodule_export]
    use super::instrumentation::database_method::DatabaseMethod;
    #[pymodule_export]
    use super::instrumentation::server::HttpServer;
    #[pymodule_export]
    use super::instrumentation::server_request::ServerRequest;
    #[pymodule_export]
    use super::instrumentation::suppression::is_suppressed;
    #[pymodule_export]
    use super::instrumentation::values::{
        asgi_url, is_http_suppressed, known_http_method, redact_url, redact_url_credentials,
        redact_url_query, sql_operation, synthetic_user_agent,
    };
    #[pymodule_export]
    use super::instrumentation::wsgi::{Body, StartResponse};
    #[pymodule_export]
    use super::logs::correlation::LogRecordFactory;
    #[pymodule_export]
    use super::logs::export::{encode_logs, export_logs, queue_log_record};
    #[pymodule_export]
    use super::logs::handler::LoggingHandler;
    #[pymodule_export]
    use super::logs::json::JSONFormatter;
    #[pymodule_export]
    use super::logs::logger::Logger;
    #[pymodule_export]
    use super::logs::objects::readable_log_record;
    #[pymodule_export]
    use super::logs::severity::{severity_number, severity_text};
    #[pymodule_export]
    use super::logs::span_record::SpanRecordFactory;
    #[pymodule_export]
    use super::metrics::collect::{MetricsSnapshot, collect_metrics};
    #[pymodule_export]
    use super::metrics::export::{encode_metrics, export_metrics};
    #[pymodule_export]
    use super::metrics::instrument::{Counter, Gauge, Histogram, Observer, UpDownCounter};
    #[pymodule_export]
    use super::metrics::last::{KeptMetrics, LastMetrics};
    #[pymodule_export]
    use super::metrics::stream::MetricStream;
    #[pymodule_export]
    use super::process::clock::set_clock;
    #[pymodule_export]
    use super::process::diagnostics::{finish_diagnostics, log_losses, log_pending};
    #[pymodule_export]
    use super::process::fork::settle_fork;
    #[pymodule_export]
    use super::process::said::forget_said;
    #[pymodule_export]
    use super::propagation::composite::CompositePropagator;
    #[pymodule_export]
    use super::propagation::propagator::{
        B3Propagator, BaggagePropagator, JaegerPropagator, TraceContextPropagator,
    };
    #[pymodule_export]
    use super::trace::counts::SpanCounts;
    #[pymodule_export]
    use super::trace::export::{encode_spans, export_spans, queue_ending_spans, queue_span};
    #[pymodule_export]
    use super::trace::readable::ReadableSpan;
    #[pymodule_export]
    use super::trace::scope::SpanScope;
    #[pymodule_export]
    use super::trace::span::{RecordingSpan, Span};
    #[pymodule_export]
    use super::trace::tracer::Tracer;
    #[pymodule_export]
    use super::trace::unsampled::UnsampledSpan;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::process::fork::watch();
        super::process::ending_thread::watch();
        telemetry::export::set_on_start(super::process::termination::leave_signals_to_program);
        super::process::diagnostics::watch(module)?;
        let py = module.py();
        super::trace::exception_text::prepare(py)?;
        super::convert::container::prepare(py)?;
        let attributes: Vec<_> = super::logs::logging_attributes::names().collect();
        module.add("LOGGING_ATTRIBUTES", PyTuple::new(py, attributes)?)?;
        super::trace::methods::set_attribute::install(py)?;
        super::trace::lookalike::borrowed::install(py)?;
        super::propagation::positional::install(py)?;
        super::trace::lookalike::overridden::install(py)?;
        // Everyone's `isinstance(span, opentelemetry.trace.Span)` has to hold.
        let official = super::imports::official::Official::get(py)?;
        official
            .span
            .bind(py)
            .call_method1("register", (py.get_type::<Span>(),))?;
        official
            .non_recording_span
            .bind(py)
            .call_method1("register", (py.get_type::<UnsampledSpan>(),))?;
        Ok(())
    }

    /// A random trace id, never zero.
    #[pyfunction]
    fn random_trace_id() -> u128 {
        telemetry::trace::random_trace_id()
    }

    /// A random span id, never zero.
    #[pyfunction]
    fn random_span_id() -> u64 {
        telemetry::trace::random_span_id()
    }
}
