//! Which measurements are offered to the exemplar reservoirs, and with which span.

use std::cell::OnceCell;

use pyo3::prelude::*;
use telemetry::trace::SpanContext;

use crate::imports::context;
use crate::imports::object::Object;
use crate::imports::official::Official;
use crate::imports::oxitel;
use crate::process::clock::now_unix_nanos;
use crate::process::diagnostics::{self, Seldom};
use crate::threads::interruption::pass_on;
use crate::trace::current::identity_of_span;

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

/// The time of a measurement, and the trace id and span id of its span.
pub(super) type Offered = (u64, Option<(u128, u64)>);

/// When measurements of one call are made, and under which span: looked at once for all of them.
pub(crate) struct Moment<'a, 'py> {
    py: Python<'py>,
    context: &'a Bound<'py, PyAny>,
    span: OnceCell<Option<SpanContext>>,
    time_unix_nanos: OnceCell<u64>,
}

impl<'a, 'py> Moment<'a, 'py> {
    pub(crate) fn new(context: &'a Bound<'py, PyAny>) -> Self {
        Self {
            py: context.py(),
            context,
            span: OnceCell::new(),
            time_unix_nanos: OnceCell::new(),
        }
    }

    /// The same of which the span in `context` is known, or that there is none.
    pub(crate) fn under(context: &'a Bound<'py, PyAny>, span: Option<SpanContext>) -> Self {
        let moment = Self::new(context);
        let _ = moment.span.set(span);
        moment
    }

    pub(super) const fn py(&self) -> Python<'py> {
        self.py
    }

    pub(crate) const fn context(&self) -> &'a Bound<'py, PyAny> {
        self.context
    }

    fn span(&self) -> PyResult<Option<SpanContext>> {
        if let Some(span) = self.span.get() {
            return Ok(*span);
        }
        let span = identity_of_span(Official::get(self.py)?, self.context)?;
        Ok(*self.span.get_or_init(|| span))
    }

    /// The time and the ids of a measurement that a filter which is ours lets through.
    #[inline]
    pub(super) fn offer(&self, filter: &Filter) -> PyResult<Option<Offered>> {
        if matches!(filter, Filter::AlwaysOff | Filter::Python(_)) {
            return Ok(None);
        }
        let span = self.span()?;
        if matches!(filter, Filter::TraceBased) && !span.is_some_and(|span| span.is_sampled()) {
            return Ok(None);
        }
        let now = *self.time_unix_nanos.get_or_init(now_unix_nanos);
        Ok(Some((now, span.map(|span| (span.trace_id, span.span_id)))))
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
