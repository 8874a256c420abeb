//! A log record as OTLP, from its parts or from the official Python objects, on the thread that
//! emitted it: later nobody needs the interpreter.

use pyo3::prelude::*;
use pyo3::types::PyInt;
use telemetry::export::batch::BatchProcessor;
use telemetry::otlp::log_record::{
    LOG_RECORD_ATTRIBUTES, LogRecordHead, put_log_record_body, put_log_record_head,
    put_log_record_tail,
};
use telemetry::trace::SpanContext;

use crate::convert::bounded_attributes::dropped_of;
use crate::convert::{count, text, value};
use crate::export::group::Groups;
use crate::imports::oxitel;
use crate::process::clock::unix_nanos;
use crate::process::diagnostics;
use crate::threads::interruption::{Settled, calm};
use crate::threads::scratch::with_buffer;

/// The limits of a `LogRecordLimits` object; `None` is no limit.
#[derive(Clone, Copy)]
pub(crate) struct LogLimits {
    pub(super) attributes: Option<usize>,
    pub(super) attribute_length: Option<usize>,
}

impl LogLimits {
    pub(crate) fn from_object(limits: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            attributes: count::limit(limits, "max_log_record_attributes")?,
            attribute_length: count::limit(limits, "max_log_record_attribute_length")?,
        })
    }
}

/// Encodes a record from its parts and passes the bytes to `use_bytes`.
pub(crate) fn with_parts<'py>(
    py: Python<'py>,
    head: &LogRecordHead<'_>,
    body: &Bound<'py, PyAny>,
    pairs: &[(Bound<'py, PyAny>, Bound<'py, PyAny>)],
    limits: &LogLimits,
    use_bytes: impl FnOnce(&[u8]),
) -> PyResult<()> {
    let dropped = with_buffer(|buffer| -> PyResult<u32> {
        put_log_record_head(buffer, head);
        put_body(buffer, body)?;
        let dropped = value::put_pairs(
            py,
            buffer,
            LOG_RECORD_ATTRIBUTES,
            pairs,
            limits.attributes,
            limits.attribute_length,
        )?;
        put_log_record_tail(buffer, dropped);
        use_bytes(buffer);
        Ok(dropped)
    })?;
    if dropped > 0 {
        warn_of_dropped(py);
    }
    Ok(())
}

/// Says that the limits have cost attributes.
pub(super) fn warn_of_dropped(py: Python<'_>) {
    // A warning that has been turned into an exception is nothing to raise from here.
    oxitel::WARN_OF_DROPPED_ATTRIBUTES
        .get(py)
        .and_then(|warn| warn.call0())
        .settled(py);
}

/// Encodes a `ReadableLogRecord` or `ReadWriteLogRecord` and passes the bytes to `use_bytes`.
pub(crate) fn with_encoded<T>(
    record: &Bound<'_, PyAny>,
    use_bytes: impl FnOnce(&[u8]) -> T,
) -> PyResult<T> {
    let py = record.py();
    let log = record.getattr(intern!(py, "log_record"))?;
    let fields = LogFields::read(&log)?;
    let body = log.getattr(intern!(py, "body"))?;
    let attributes = log.getattr(intern!(py, "attributes"))?;
    with_buffer(|buffer| {
        put_log_record_head(buffer, &fields.head());
        put_body(buffer, &body)?;
        let failed = value::put_mapping(buffer, LOG_RECORD_ATTRIBUTES, &attributes)?;
        put_log_record_tail(buffer, dropped_of(&attributes) + failed);
        Ok(use_bytes(buffer))
    })
}

fn put_body(buffer: &mut Vec<u8>, body: &Bound<'_, PyAny>) -> PyResult<()> {
    value::put_any(body, &mut |body| {
        value::make_room(buffer, body.len())?;
        put_log_record_body(buffer, body);
        Ok(())
    })
}

/// Queues a `ReadableLogRecord` or `ReadWriteLogRecord`.
pub(crate) fn push(batch: &BatchProcessor, groups: &Groups, record: &Bound<'_, PyAny>) {
    let pushed = groups
        .of_record(record)
        .and_then(|group| with_encoded(record, |bytes| batch.push(&group, bytes)));
    if let Err(error) = pushed {
        batch.withhold();
        report(record.py(), &error);
    }
}

/// Says that a record is lost.
pub(crate) fn report(py: Python<'_>, error: &PyErr) {
    let text = "a log record could not be encoded and is dropped";
    diagnostics::report_misuse(py, diagnostics::ENCODER, text, error);
}

/// What an API `LogRecord`, or the arguments of `Logger.emit`, say of a [`LogRecordHead`].
pub(crate) struct LogFields {
    time_unix_nanos: u64,
    observed_unix_nanos: u64,
    severity_number: u8,
    severity_text: String,
    trace: SpanContext,
    event_name: String,
}

impl LogFields {
    pub(crate) fn new(
        time: Option<&Bound<'_, PyAny>>,
        observed_unix_nanos: u64,
        severity_number: Option<&Bound<'_, PyAny>>,
        severity_text: Option<&Bound<'_, PyAny>>,
        trace: SpanContext,
        event_name: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let text_of = |object: Option<&Bound<'_, PyAny>>| {
            object.map_or_else(String::new, |object| text::nearest(object).into_owned())
        };
        Ok(Self {
            time_unix_nanos: unix_nanos(time).unwrap_or(0),
            observed_unix_nanos,
            severity_number: severity_number.map_or(Ok(0), severity_of)?,
            severity_text: text_of(severity_text),
            trace,
            event_name: text_of(event_name),
        })
    }

    /// Reads an API `LogRecord`.
    pub(crate) fn read(log: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = log.py();
        let observed = log.getattr(intern!(py, "observed_timestamp"))?;
        let id = |name| log.getattr(name);
        Self::new(
            Some(&log.getattr(intern!(py, "timestamp"))?),
            unix_nanos(Some(&observed)).unwrap_or(0),
            Some(&log.getattr(intern!(py, "severity_number"))?),
            Some(&log.getattr(intern!(py, "severity_text"))?),
            SpanContext {
                // Ids that do not fit are no ids.
                trace_id: calm(py, id(intern!(py, "trace_id"))?.extract::<u128>())?.unwrap_or(0),
                span_id: calm(py, id(intern!(py, "span_id"))?.extract::<u64>())?.unwrap_or(0),
                flags: calm(py, id(intern!(py, "trace_flags"))?.extract::<u8>())?.unwrap_or(0),
                is_remote: false,
            },
            Some(&log.getattr(intern!(py, "event_name"))?),
        )
    }

    pub(crate) fn head(&self) -> LogRecordHead<'_> {
        LogRecordHead {
            time_unix_nanos: self.time_unix_nanos,
            observed_unix_nanos: self.observed_unix_nanos,
            severity_number: self.severity_number,
            severity_text: &self.severity_text,
            trace_id: self.trace.trace_id,
            span_id: self.trace.span_id,
            flags: self.trace.flags,
            event_name: &self.event_name,
        }
    }
}

// A `SeverityNumber`, or its number.
fn severity_of(number: &Bound<'_, PyAny>) -> PyResult<u8> {
    if number.is_none() {
        return Ok(0);
    }
    let py = number.py();
    if number.is_instance_of::<PyInt>() {
        return Ok(number.extract().unwrap_or(0));
    }
    let value = number.getattr_opt(intern!(py, "value"))?;
    let value = value.and_then(|value| value.extract::<u8>().settled(py));
    Ok(value.unwrap_or(0))
}
