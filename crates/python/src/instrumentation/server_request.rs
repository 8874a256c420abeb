//! `ServerRequest`: a request between its beginning and the end of its answer.

use std::time::Instant;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::instrumentation::names::server::{
    DURATION_NEW, DURATION_OLD, ERROR_TYPE, ROUTE, STATUS,
};
use telemetry::instrumentation::status;

use super::any_span::AnySpan;
use super::hook;
use super::server::{HttpServer, ServerFacts};
use crate::imports::context;
use crate::imports::official::Official;
use crate::process::diagnostics;
use crate::threads::guarded::Guarded;

#[pyclass(frozen, weakref, module = "oxitel._native")]
pub(crate) struct ServerRequest {
    pub(super) server: Py<HttpServer>,
    pub(super) span: AnySpan,
    /// Holds the span.
    context: Py<PyAny>,
    pub(super) is_server: bool,
    start: Instant,
    state: Guarded<State>,
}

pub(super) struct State {
    pub(super) facts: ServerFacts,
    /// The attributes with which it was counted as active.
    pub(super) active: Option<Py<PyDict>>,
    pub(super) has_ended: bool,
}

/// What was answered.
pub(super) enum Answer<'a> {
    Code(u16),
    /// A status that is no number.
    Unreadable(&'a str),
}

impl ServerRequest {
    pub(super) const fn new(
        server: Py<HttpServer>,
        span: AnySpan,
        context: Py<PyAny>,
        is_server: bool,
        start: Instant,
        state: State,
    ) -> Self {
        Self {
            server,
            span,
            context,
            is_server,
            start,
            state: Guarded::new(state),
        }
    }

    /// Makes the span current until [`Self::leave`].
    pub(super) fn enter<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        context::attach(py, Official::get(py)?, self.context.bind(py))
    }

    pub(super) fn leave(&self, py: Python<'_>, token: &Bound<'_, PyAny>) {
        if let Ok(official) = Official::get(py) {
            // Elsewhere, another thread's or greenlet's context, there is nothing to go back to.
            let _ = context::reset(py, official, token);
        }
    }

    /// Notes the status of the answer; the last one counts, if there are several.
    pub(super) fn answer(&self, py: Python<'_>, answer: &Answer<'_>) -> PyResult<()> {
        let keys = &self.server.get().keys;
        match *answer {
            Answer::Code(code) => {
                let number = code.into_pyobject(py)?.into_any();
                self.span.set_fact(py, keys, STATUS, &number)?;
                let is_error = status::is_server_error(code);
                self.state.lock(py).facts.set(STATUS, number);
                if is_error {
                    self.set_error_type(py, PyString::new(py, &code.to_string()).into_any())?;
                    self.span.set_error(py, None)?;
                }
            }
            Answer::Unreadable(text) => {
                self.set_error_type(py, PyString::new(py, text).into_any())?;
                let description = format!("Non-integer HTTP status: {text}");
                self.span.set_error(py, Some(&description))?;
            }
        }
        Ok(())
    }

    fn set_error_type<'py>(&self, py: Python<'py>, value: Bound<'py, PyAny>) -> PyResult<()> {
        let keys = &self.server.get().keys;
        self.span.set_fact(py, keys, ERROR_TYPE, &value)?;
        self.state.lock(py).facts.set(ERROR_TYPE, value);
        Ok(())
    }

    /// Notes what the application raised.
    pub(super) fn fail(&self, py: Python<'_>, error: &PyErr) -> PyResult<()> {
        if !error.is_instance_of::<PyException>(py) {
            return Ok(());
        }
        let error = error.value(py).as_any();
        self.span.note(error)?;
        let name = error.get_type().qualname()?;
        self.set_error_type(py, name.into_any())?;
        if self.server.get().keys.conventions.new {
            self.span
                .set_error(py, Some(&error.str()?.to_string_lossy()))?;
        }
        Ok(())
    }

    /// Ends the request: its duration, the active requests, the span. The first call counts.
    pub(super) fn finish(&self, py: Python<'_>) -> PyResult<()> {
        let elapsed = self.start.elapsed();
        let server = self.server.get();
        let context = self.context.bind(py);
        let (old, new, active) = {
            let mut state = self.state.lock(py);
            if std::mem::replace(&mut state.has_ended, true) {
                return Ok(());
            }
            // No Python code runs while the dicts are made: their keys and values are plain.
            let attributes = |wanted: bool| wanted.then(|| PyDict::new(py));
            let old = attributes(server.duration_old.is_some());
            if let Some(attributes) = &old {
                state
                    .facts
                    .put_old(&server.keys, DURATION_OLD, attributes)?;
                if let Some(route) = state.facts.get(py, ROUTE) {
                    attributes.set_item(pyo3::intern!(py, "http.target"), route)?;
                }
            }
            let new = attributes(server.duration_new.is_some());
            if let Some(attributes) = &new {
                state
                    .facts
                    .put_new(&server.keys, DURATION_NEW, attributes)?;
            }
            (old, new, state.active.take())
        };
        if let (Some(duration), Some(attributes)) = (&server.duration_old, old) {
            // A duration in milliseconds is far below 2^53.
            let millis = (elapsed.as_secs_f64() * 1000.0).round_ties_even() as i64;
            let millis = millis.into_pyobject(py)?.into_any();
            duration.measure(py, &millis, &attributes, Some(context))?;
        }
        if let (Some(duration), Some(attributes)) = (&server.duration_new, new) {
            let seconds = elapsed.as_secs_f64().into_pyobject(py)?.into_any();
            duration.measure(py, &seconds, &attributes, Some(context))?;
        }
        if let (Some(counter), Some(attributes)) = (&server.active_requests, active) {
            let minus_one = (-1i64).into_pyobject(py)?.into_any();
            counter.measure(py, &minus_one, attributes.bind(py), Some(context))?;
        }
        self.span.end(py)
    }

    /// As [`Self::finish`]; what is raised on the way is logged.
    pub(super) fn finish_harmlessly(&self, py: Python<'_>) -> PyResult<()> {
        hook::harmless(py, self.finish(py)).map(drop)
    }

    /// Sets what the headers of the request or of the answer say, where that is wanted.
    pub(super) fn capture<'py>(
        &self,
        capture: Option<&Py<PyAny>>,
        source: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let py = source.py();
        let Some(capture) = capture.filter(|_| self.is_server && self.span.is_recording(py)) else {
            return Ok(());
        };
        let attributes = hook::call(capture.bind(py), (source,))?;
        match attributes.and_then(|attributes| attributes.cast_into::<PyDict>().ok()) {
            Some(attributes) => self.span.set_attributes(&attributes),
            None => Ok(()),
        }
    }
}

// An answer that a server has dropped without closing it ends here.
impl Drop for ServerRequest {
    fn drop(&mut self) {
        if self.state.get_mut().has_ended || diagnostics::is_ending() {
            return;
        }
        Python::attach(|py| {
            let raised = PyErr::take(py);
            // Nobody can be told.
            let _ = self.finish(py);
            if let Some(raised) = raised {
                raised.restore(py);
            }
        });
    }
}

#[pymethods]
impl ServerRequest {
    #[getter]
    fn span<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.span.object(py).clone()
    }

    #[getter]
    fn context<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.context.bind(py).clone()
    }

    /// Whether it is a request from outside, and not one made inside another span.
    #[getter]
    const fn is_server(&self) -> bool {
        self.is_server
    }

    /// Notes the route, and names the span after it.
    fn routed(&self, name: Bound<'_, PyAny>, route: Bound<'_, PyAny>) -> PyResult<()> {
        let py = name.py();
        if !route.is_none() {
            self.span
                .set_fact(py, &self.server.get().keys, ROUTE, &route)?;
            self.state.lock(py).facts.set(ROUTE, route);
        }
        self.span.update_name(name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.server)?;
        self.span.traverse(&visit)?;
        visit.call(&self.context)?;
        match self.state.peek(&visit) {
            Some(state) => state.facts.traverse(&visit),
            None => Ok(()),
        }
    }
}
