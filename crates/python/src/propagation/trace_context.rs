//! W3C Trace Context: `traceparent` and `tracestate`.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use telemetry::propagation::{trace_context, trace_state};

use super::carrier::{CarrierSource, CarrierTarget, Values};
use super::extracted::Extracted;
use super::injected::Injected;
use crate::convert::text;
use crate::process::diagnostics;
use crate::trace::state::{self, State, TRACE_STATE};

const LOGGER: &str = "opentelemetry.trace.propagation.tracecontext";
/// The most characters of `tracestate` that the API reads.
const LONGEST_STATE: usize = 8192;

pub(super) fn extract<'py>(
    py: Python<'py>,
    source: &CarrierSource<'_, 'py>,
    extracted: &mut Extracted<'py>,
) -> PyResult<()> {
    extracted.begin_empty();
    let Some(header) = source.get(intern!(py, "traceparent"))?.only()? else {
        return Ok(());
    };
    let Some(context) = text::of_header(&header).and_then(|header| trace_context::read(&header))
    else {
        return Ok(());
    };
    let state = match source.get(intern!(py, "tracestate"))? {
        Values::Nothing => None,
        values => read_state(py, values)?,
    };
    extracted.set_span(&context, state);
    Ok(())
}

pub(super) fn inject<'py>(
    py: Python<'py>,
    target: &CarrierTarget<'_, 'py>,
    injected: &mut Injected<'py>,
) -> PyResult<()> {
    let Some(span) = injected.span()? else {
        return Ok(());
    };
    let header = trace_context::write(&span.context);
    target.set_ascii(intern!(py, "traceparent"), &header)?;
    if let Some(state) = span.trace_state()? {
        target.set(intern!(py, "tracestate"), &state)?;
    }
    Ok(())
}

/// The state in the headers; `None` for an empty one.
fn read_state(py: Python<'_>, values: Values<'_>) -> PyResult<Option<State>> {
    if let Values::One(value) = &values {
        return match text::of_header(value) {
            Some(header) => new_state(py, &[header], value.cast().ok()),
            None => Ok(None),
        };
    }
    let values = values.all()?;
    let headers: Vec<_> = values.iter().filter_map(text::of_header).collect();
    new_state(py, &headers, None)
}

/// `whole` is the one header there is, if it is a text.
fn new_state(
    py: Python<'_>,
    headers: &[Cow<'_, str>],
    whole: Option<&Bound<'_, PyString>>,
) -> PyResult<Option<State>> {
    if is_too_long(headers) {
        diagnostics::warn(
            py,
            LOGGER,
            "tracestate header exceeded the maximum length of %d characters",
            (LONGEST_STATE,),
        );
        return Ok(None);
    }
    let Ok(members) = trace_state::read(headers.iter().map(|header| &**header)) else {
        // The API's own class says what is wrong, and has the rules of what is left of it.
        let headers = PyList::new(py, headers)?;
        let class = TRACE_STATE.kept(py)?;
        let state = class.call_method1(intern!(py, "from_header"), (headers,))?;
        let is_empty = state.is_empty()?;
        return Ok((!is_empty).then(|| State::Object(state.unbind())));
    };
    if members.is_empty() {
        return Ok(None);
    }
    match whole {
        Some(text) => Ok(Some(State::of_header(text.clone()))),
        None => {
            let state = state::new_object(py, &members)?;
            Ok(Some(State::Object(state.unbind())))
        }
    }
}

// The commas between headers count too. Counting characters takes time, bytes are at hand.
fn is_too_long(headers: &[Cow<'_, str>]) -> bool {
    let commas = headers.len().saturating_sub(1);
    let bytes: usize = headers.iter().map(|header| header.len()).sum();
    let characters = || -> usize { headers.iter().map(|header| header.chars().count()).sum() };
    bytes + commas > LONGEST_STATE && characters() + commas > LONGEST_STATE
}
