//! An exception that leaves a span's block: an event, and the span's status.

use pyo3::exceptions::{PyBaseException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyString};
use telemetry::trace::StatusCode;

use super::event::EventRecord;
use super::exception_text::{description, message, stack_trace, type_name};
use super::lookalike::overridden;
use super::settings::SpanLimits;
use super::span::{Span, push_event, set_status};
use super::status::Status;
use crate::convert::value::{self, AttributeMap};
use crate::process::clock::now_unix_nanos;
use crate::process::diagnostics;
use crate::threads::interruption::is_for_program;

/// Records the exception that leaves a span's block, as its options say: an event, the status.
// The program has its own exception to handle: only what no library may stop (KeyboardInterrupt,
// SystemExit) takes the place of it.
pub(crate) fn note(
    span: &Bound<'_, Span>,
    exception: &Bound<'_, PyAny>,
    options: &Span,
    is_escaped: bool,
) -> PyResult<()> {
    let py = span.py();
    match try_note(span, exception, options, is_escaped) {
        Err(error) if !is_for_program(py, &error) => {
            let text = "failed to record an exception";
            diagnostics::report_exception(py, diagnostics::TRACE, text, &error);
            Ok(())
        }
        noted => noted,
    }
}

fn try_note(
    span: &Bound<'_, Span>,
    exception: &Bound<'_, PyAny>,
    options: &Span,
    is_escaped: bool,
) -> PyResult<()> {
    if options.records_exceptions() && !overridden::record_exception(span, exception, is_escaped)? {
        let limits = span
            .as_super()
            .get()
            .settings()
            .map(|settings| settings.limits);
        if let Some(limits) = limits {
            let escaped = truth_text(span.py(), is_escaped);
            push_event(span, event(exception, None, None, escaped, &limits)?)?;
        }
    }
    if options.sets_status_on_exception() {
        let description = description(exception)?;
        if overridden::set_error_status(span, &description)? {
            return Ok(());
        }
        let status = Status {
            code: StatusCode::Error,
            description: Some(PyString::new(span.py(), &description).into_any().unbind()),
            object: None,
        };
        set_status(span, status)?;
    }
    Ok(())
}

/// The event `exception` of the semantic conventions; `attributes` of the user override its own.
pub(crate) fn event(
    exception: &Bound<'_, PyAny>,
    attributes: Option<&Bound<'_, PyAny>>,
    time_unix_nanos: Option<u64>,
    escaped: &Bound<'_, PyString>,
    limits: &SpanLimits,
) -> PyResult<EventRecord> {
    let py = exception.py();
    if !exception.is_instance_of::<PyBaseException>() && !exception.is_none() {
        // What `traceback.format_exception` says, with which the official class begins.
        return Err(PyTypeError::new_err(format!(
            "Exception expected for value, {} found",
            exception.get_type().name()?
        )));
    }
    let own = [
        (
            pyo3::intern!(py, "exception.type"),
            PyString::new(py, &type_name(exception)?),
        ),
        (
            pyo3::intern!(py, "exception.message"),
            PyString::new(py, &message(exception)),
        ),
        (
            pyo3::intern!(py, "exception.stacktrace"),
            stack_trace(exception)?,
        ),
        (pyo3::intern!(py, "exception.escaped"), escaped.clone()),
    ];
    let map = match attributes.filter(|attributes| !attributes.is_none()) {
        // What the user gives takes the place of what the exception says.
        Some(attributes) => {
            let all = own.into_py_dict(py)?;
            // Not `PyDict::update`, which takes mappings alone, where pairs will do.
            if attributes.is_truthy()? {
                all.call_method1(pyo3::intern!(py, "update"), (attributes,))?;
            }
            value::new_map(Some(&all), limits.event_attributes, limits.attribute_length)?
        }
        None => {
            let mut map = AttributeMap::new(limits.event_attributes);
            for (key, text) in own {
                if let Some(pair) = value::clean_pair(key, &text, limits.attribute_length) {
                    drop(value::insert(&mut map, pair));
                }
            }
            map
        }
    };
    Ok(EventRecord {
        name: pyo3::intern!(py, "exception").clone().into_any().unbind(),
        time_unix_nanos: time_unix_nanos.unwrap_or_else(now_unix_nanos),
        attributes: map,
    })
}

/// `str(is_true)`.
pub(crate) fn truth_text<'py>(py: Python<'py>, is_true: bool) -> &'py Bound<'py, PyString> {
    if is_true {
        pyo3::intern!(py, "True")
    } else {
        pyo3::intern!(py, "False")
    }
}
