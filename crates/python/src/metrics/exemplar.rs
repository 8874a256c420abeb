//! Which measurements are offered to the exemplar reservoirs, and with which span.

use pyo3::prelude::*;

use crate::imports::context;
use crate::imports::object::Object;
use crate::imports::official::Official;
use crate::imports::oxitel;
use crate::process::diagnostics::{self, Seldom};
use crate::threads::interruption::pass_on;

static FILTER_FAILED: Seldom = Seldom::new();

/// An exemplar filter; the built-in ones are not called.
pub(crate) enum Filter {
    AlwaysOff,
    AlwaysOn,
    TraceBased,
    Python(Py<PyAny>),
}

impl Filter {
    pub(crate) fn from_object(filter: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (py, class) = (filter.py(), filter.get_type());
        let is = |known: &Object| -> PyResult<bool> { Ok(class.is(&known.get(py)?)) };
        Ok(if is(&oxitel::TRACE_BASED_EXEMPLAR_FILTER)? {
            Self::TraceBased
        } else if is(&oxitel::ALWAYS_OFF_EXEMPLAR_FILTER)? {
            Self::AlwaysOff
        } else if is(&oxitel::ALWAYS_ON_EXEMPLAR_FILTER)? {
            Self::AlwaysOn
        } else {
            Self::Python(filter.clone().unbind())
        })
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::AlwaysOff => Self::AlwaysOff,
            Self::AlwaysOn => Self::AlwaysOn,
            Self::TraceBased => Self::TraceBased,
            Self::Python(filter) => Self::Python(filter.clone_ref(py)),
        }
    }
}

/// What a filter written in Python says; a failure is a no.
pub(crate) fn should_sample(
    filter: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    time_unix_nanos: u64,
    attributes: Option<&Bound<'_, PyAny>>,
    context: &Bound<'_, PyAny>,
) -> bool {
    let py = filter.py();
    let arguments = (value, time_unix_nanos, attributes, context);
    let said = filter
        .call_method1(intern!(py, "should_sample"), arguments)
        .and_then(|said| said.is_truthy());
    said.unwrap_or_else(|error| {
        if !pass_on(py, &error) && FILTER_FAILED.is_due() {
            let text = "an exemplar filter failed";
            diagnostics::report_exception(py, diagnostics::METRICS, text, &error);
        }
        false
    })
}

/// The context of a measurement: the one given, or the current one.
#[inline]
pub(crate) fn context_of<'py>(
    py: Python<'py>,
    given: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    match given {
        Some(given) if given.is_truthy()? => Ok(given.clone()),
        _ => context::current(py, Official::get(py)?),
    }
}
