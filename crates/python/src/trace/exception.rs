//! An exception that leaves a span's block: an event, and the span's status.

use pyo3::exceptions::{PyBaseException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict, PyString};
use telemetry::trace::StatusCode;

use super::event::EventRecord;
use super::exception_text::{description, message, stack_trace, type_name};
use super::lookalike::overridden::{self, SpanMethod};
use super::span::{Span, parts, set_status};
use super::status::Status;
use crate::convert::value::{self, AttributeMap};
use crate::process::clock::{now_unix_nanos, unix_nanos};
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
            diagnostics::report_misuse(py, diagnostics::TRACE, text, &error);
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
        let escaped = truth_text(span.py(), is_escaped);
        record(span, exception, None, None, escaped)?;
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

/// Adds the event `exception` of the semantic conventions, by the span's `add_event`; `attributes` of
/// the user override its own.
pub(crate) fn record(
    span: &Bound<'_, Span>,
    exception: &Bound<'_, PyAny>,
    attributes: Option<&Bound<'_, PyAny>>,
    timestamp: Option<&Bound<'_, PyAny>>,
    escaped: &Bound<'_, PyString>,
) -> PyResult<()> {
    let py = span.py();
    let limits = &parts(span)?.settings.limits;
    let own = attributes_of(exception, escaped)?;
    let attributes = attributes.filter(|attributes| !attributes.is_none());
    let is_own = overridden::is_own(span, SpanMethod::AddEvent);
    if is_own && attributes.is_none() {
        let mut map = AttributeMap::new(limits.event_attributes);
        for (key, text) in own {
            if let Some(pair) = value::clean_pair(key, &text, limits.attribute_length) {
                drop(value::insert(&mut map, pair));
            }
        }
        return append(span, map, timestamp);
    }
    let all = own.into_py_dict(py)?;
    // Not `PyDict::update`, which takes mappings alone, where pairs will do.
    if let Some(attributes) = attributes
        && attributes.is_truthy()?
    {
        all.call_method1(intern!(py, "update"), (attributes,))?;
    }
    if is_own {
        let map = value::new_map(Some(&all), limits.event_attributes, limits.attribute_length)?;
        return append(span, map, timestamp);
    }
    let options = PyDict::new(py);
    options.set_item(intern!(py, "name"), intern!(py, "exception"))?;
    options.set_item(intern!(py, "attributes"), all)?;
    options.set_item(intern!(py, "timestamp"), timestamp)?;
    let name = intern!(py, "add_event");
    span.call_method(name, (), Some(&options)).map(drop)
}

fn append(
    span: &Bound<'_, Span>,
    attributes: AttributeMap,
    timestamp: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let name = intern!(span.py(), "exception");
    let event = EventRecord {
        name: name.clone().into_any().unbind(),
        time_unix_nanos: unix_nanos(timestamp).unwrap_or_else(now_unix_nanos),
        attributes,
    };
    overridden::append_event(span, event)
}

/// What an exception says of itself.
fn attributes_of<'py>(
    exception: &Bound<'py, PyAny>,
    escaped: &Bound<'py, PyString>,
) -> PyResult<[(&'py Bound<'py, PyString>, Bound<'py, PyString>); 4]> {
    let py = exception.py();
    if !exception.is_instance_of::<PyBaseException>() && !exception.is_none() {
        // What `traceback.format_exception` says, with which the official class begins.
        return Err(PyTypeError::new_err(format!(
            "Exception expected for value, {} found",
            exception.get_type().name()?
        )));
    }
    Ok([
        (
            intern!(py, "exception.type"),
            PyString::new(py, &type_name(exception)?),
        ),
        (
            intern!(py, "exception.message"),
            PyString::new(py, &message(exception)),
        ),
        (intern!(py, "exception.stacktrace"), stack_trace(exception)?),
        (intern!(py, "exception.escaped"), escaped.clone()),
    ])
}

/// `str(is_true)`.
pub(crate) fn truth_text<'py>(py: Python<'py>, is_true: bool) -> &'py Bound<'py, PyString> {
    if is_true {
        intern!(py, "True")
    } else {
        intern!(py, "False")
    }
}
