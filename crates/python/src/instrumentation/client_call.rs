//! `ClientCall`: a request that a client makes, until its answer, or what there is instead, is there.

use std::time::{Duration, Instant};

use crate::threads::once::Once;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyModule, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::instrumentation::names::client::{
    DURATION_NEW, DURATION_OLD, ERROR_TYPE, PROTOCOL_VERSION, STATUS,
};
use telemetry::instrumentation::status;

use super::any_instrument::AnyInstrument;
use super::any_span::AnySpan;
use super::client::{ClientFacts, HttpClient};
use super::hook;
use super::suppression::{suppress, suppressed};
use crate::imports::context;
use crate::imports::official::Official;
use crate::process::diagnostics;
use crate::propagation::carrier::CarrierTarget;
use crate::propagation::composite::CompositePropagator;
use crate::threads::guarded::Guarded;

#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct ClientCall {
    client: Py<HttpClient>,
    span: AnySpan,
    /// Holds the span.
    context: Py<PyAny>,
    state: Guarded<State>,
}

struct State {
    facts: ClientFacts,
    /// From the beginning of the call to its end, and from the sending of the request to its answer.
    outer: Option<Py<PyAny>>,
    inner: Option<Py<PyAny>>,
    start: Instant,
    elapsed: Option<Duration>,
    request_size: Option<u64>,
    response_size: Option<u64>,
    has_ended: bool,
}

/// The number that a status is, or that its text says, as test doubles have it.
fn number_of(code: &Bound<'_, PyAny>) -> Option<i64> {
    if let Ok(number) = code.extract() {
        return Some(number);
    }
    if let Ok(text) = code.cast::<PyString>() {
        return text.to_string_lossy().trim().parse().ok();
    }
    let number = code.cast::<PyFloat>().ok()?.value();
    // Without its fraction, as `int` makes it.
    number.is_finite().then_some(number as i64)
}

impl ClientCall {
    /// Makes the span current.
    pub(super) fn start<'py>(
        client: &Bound<'py, HttpClient>,
        span: AnySpan,
        facts: ClientFacts,
    ) -> PyResult<Self> {
        let py = client.py();
        let official = Official::get(py)?;
        let current = context::current(py, official)?;
        let context = official.context_with_span(py, &current, span.object(py))?;
        Self::attach(client, span, facts, context)
    }

    /// Makes the span current, has the request carry it, and begins the time. `target` is `headers`, or what
    /// they keep their fields in, for where the global propagator is ours.
    pub(super) fn send_at_once<'py>(
        client: &Bound<'py, HttpClient>,
        span: AnySpan,
        facts: ClientFacts,
        headers: &Bound<'py, PyAny>,
        target: &CarrierTarget<'_, 'py>,
    ) -> PyResult<Self> {
        let py = client.py();
        let official = Official::get(py)?;
        let current = context::current(py, official)?;
        let context = official.context_with_span(py, &current, span.object(py))?;
        let propagator = global_propagator(py)?;
        let injected = CompositePropagator::inject_natively(&propagator, target, &context);
        if hook::harmless(py, injected)? == Some(true) {
            // The others have not seen this context.
            if client.get().suppresses {
                suppress(&context)?;
            }
            return Self::attach(client, span, facts, context);
        }
        let call = Self::attach(client, span, facts, context)?;
        hook::harmless(py, call.send(py, Some(headers)))?;
        Ok(call)
    }

    fn attach<'py>(
        client: &Bound<'py, HttpClient>,
        span: AnySpan,
        facts: ClientFacts,
        context: Bound<'py, PyAny>,
    ) -> PyResult<Self> {
        let py = client.py();
        let outer = context::attach(py, Official::get(py)?, &context)?;
        let state = State {
            facts,
            outer: Some(outer.unbind()),
            inner: None,
            start: Instant::now(),
            elapsed: None,
            request_size: None,
            response_size: None,
            has_ended: false,
        };
        Ok(Self {
            client: client.clone().unbind(),
            span,
            context: context.unbind(),
            state: Guarded::new(state),
        })
    }

    fn send(&self, py: Python<'_>, headers: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        if let Some(headers) = headers {
            hook::harmless(py, inject(headers))?;
        }
        let inner = if self.client.get().suppresses {
            let official = Official::get(py)?;
            let suppressed = suppressed(&context::current(py, official)?)?;
            Some(context::attach(py, official, &suppressed)?.unbind())
        } else {
            None
        };
        let mut state = self.state.lock(py);
        state.inner = inner;
        state.start = Instant::now();
        Ok(())
    }

    // What waits for the answer has ended: the first call counts.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let inner = {
            let mut state = self.state.lock(py);
            if state.elapsed.is_some() {
                return Ok(());
            }
            state.elapsed = Some(state.start.elapsed());
            state.inner.take()
        };
        reset(py, inner)
    }

    fn answer(&self, code: &Bound<'_, PyAny>, version: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let py = code.py();
        let keys = &self.client.get().keys;
        match number_of(code) {
            Some(number) if number >= 0 => {
                let fact = number.into_pyobject(py)?.into_any();
                self.span.set_fact(py, keys, STATUS, &fact)?;
                self.state.lock(py).facts.set(STATUS, fact);
                if status::is_client_error(u16::try_from(number).unwrap_or(u16::MAX)) {
                    let text = PyString::new(py, &number.to_string());
                    self.set_error_type(py, text.into_any())?;
                    self.span.set_error(py, None)?;
                }
            }
            _ => {
                let text = code.str()?;
                let description = format!("Non-integer HTTP status: {}", text.to_string_lossy());
                self.set_error_type(py, text.into_any())?;
                self.span.set_error(py, Some(&description))?;
            }
        }
        if let Some(version) = version {
            self.span.set_fact(py, keys, PROTOCOL_VERSION, &version)?;
            let mut state = self.state.lock(py);
            state.facts.set_present(PROTOCOL_VERSION, Some(version));
        }
        Ok(())
    }

    fn fail(&self, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = error.py();
        let name = error.get_type().qualname()?;
        self.set_error_type(py, name.clone().into_any())?;
        self.span.note(error)?;
        if self.client.get().describes_by_type && error.is_instance_of::<PyException>() {
            self.span.set_error(py, Some(&name.to_string_lossy()))?;
        }
        Ok(())
    }

    fn set_error_type<'py>(&self, py: Python<'py>, value: Bound<'py, PyAny>) -> PyResult<()> {
        let keys = &self.client.get().keys;
        self.span.set_fact(py, keys, ERROR_TYPE, &value)?;
        self.state.lock(py).facts.set(ERROR_TYPE, value);
        Ok(())
    }

    // Measures, goes back to the context before, and ends the span: the first call counts.
    fn end(&self, py: Python<'_>) -> PyResult<()> {
        let stopped = self.stop(py);
        let outer = {
            let mut state = self.state.lock(py);
            if std::mem::replace(&mut state.has_ended, true) {
                return Ok(());
            }
            state.outer.take()
        };
        let measured = self.measure(py);
        reset(py, outer)?;
        self.span.end(py)?;
        stopped.and(measured)
    }

    fn measure(&self, py: Python<'_>) -> PyResult<()> {
        let client = self.client.get();
        let context = Some(self.context.bind(py));
        let in_use = |instrument: &&AnyInstrument| !instrument.is_idle(py);
        let duration_old = client.duration_old.as_ref().filter(in_use);
        let duration_new = client.duration_new.as_ref().filter(in_use);
        let (old, new, elapsed, sizes) = {
            let state = self.state.lock(py);
            // No Python code runs while the dicts are made: their keys and values are plain.
            let old = match duration_old {
                Some(instrument) => {
                    let attributes = PyDict::new(py);
                    let facts = &state.facts;
                    facts.put_old(&client.keys, DURATION_OLD, &attributes)?;
                    Some((instrument, attributes))
                }
                None => None,
            };
            let new = match duration_new {
                Some(instrument) => {
                    let attributes = PyDict::new(py);
                    let facts = &state.facts;
                    facts.put_new(&client.keys, DURATION_NEW, &attributes)?;
                    Some((instrument, attributes))
                }
                None => None,
            };
            let sizes = [state.request_size, state.response_size];
            (old, new, state.elapsed.unwrap_or_default(), sizes)
        };
        if let Some((duration, attributes)) = &old {
            // A duration in milliseconds is far below 2^53.
            let millis = (elapsed.as_secs_f64() * 1000.0).round_ties_even() as i64;
            let millis = millis.into_pyobject(py)?.into_any();
            duration.measure(py, &millis, attributes, context)?;
        }
        if let Some((duration, attributes)) = &new {
            let seconds = elapsed.as_secs_f64().into_pyobject(py)?.into_any();
            duration.measure(py, &seconds, attributes, context)?;
        }
        let instruments = [
            [&client.request_size_old, &client.request_size_new],
            [&client.response_size_old, &client.response_size_new],
        ];
        for (size, instruments) in sizes.into_iter().zip(instruments) {
            let Some(size) = size else { continue };
            let size = size.into_pyobject(py)?.into_any();
            for (instrument, attributes) in instruments.into_iter().zip([&old, &new]) {
                if let (Some(instrument), Some((_, attributes))) = (instrument, attributes) {
                    instrument.measure(py, &size, attributes, context)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.client)?;
        self.span.traverse(visit)?;
        visit.call(&self.context)?;
        match self.state.peek(visit) {
            Some(state) => {
                visit.call(&state.outer)?;
                visit.call(&state.inner)?;
                state.facts.traverse(visit)
            }
            None => Ok(()),
        }
    }

    fn end_harmlessly(&self, py: Python<'_>) -> PyResult<()> {
        hook::harmless(py, self.end(py)).map(drop)
    }
}

fn reset(py: Python<'_>, token: Option<Py<PyAny>>) -> PyResult<()> {
    if let Some(token) = token {
        // Elsewhere, another thread's or task's context, there is nothing to go back to.
        let _ = context::reset(py, Official::get(py)?, token.bind(py));
    }
    Ok(())
}

fn api(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static API: Once<Py<PyModule>> = Once::new();
    let name = intern!(py, "opentelemetry.propagate");
    let api = API.get_or_try_init(py, || py.import(name).map(Bound::unbind))?;
    Ok(api.bind(py))
}

fn global_propagator(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    api(py)?.getattr(intern!(py, "_HTTP_TEXT_FORMAT"))
}

// Writes the current context into the headers of the request, by the global propagator.
fn inject(headers: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = headers.py();
    let method = intern!(py, "inject");
    let propagator = global_propagator(py)?;
    if propagator.is_instance_of::<CompositePropagator>() {
        return propagator.call_method1(method, (headers,)).map(drop);
    }
    api(py)?.call_method1(method, (headers,)).map(drop)
}

// One that was dropped on the way ends here.
impl Drop for ClientCall {
    fn drop(&mut self) {
        if self.state.get_mut().has_ended || diagnostics::is_ending() {
            return;
        }
        Python::attach(|py| {
            let raised = PyErr::take(py);
            // Nobody can be told.
            let _ = self.end(py);
            if let Some(raised) = raised {
                raised.restore(py);
            }
        });
    }
}

#[pymethods]
impl ClientCall {
    #[getter]
    fn span<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.span.object(py).clone()
    }

    /// Holds the span.
    #[getter]
    fn context<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.context.bind(py).clone()
    }

    /// Calls `hook` with the span and `arguments`; what it raises is logged.
    #[pyo3(signature = (hook, *arguments))]
    fn call_hook(&self, hook: &Bound<'_, PyAny>, arguments: &Bound<'_, PyTuple>) -> PyResult<()> {
        let mut all = vec![self.span.object(hook.py()).clone()];
        all.extend(arguments.iter());
        hook::call(hook, PyTuple::new(hook.py(), all)?).map(drop)
    }

    /// Sets attributes of the span, if it is recorded.
    fn set_attributes(&self, attributes: &Bound<'_, PyDict>) -> PyResult<()> {
        hook::harmless(attributes.py(), self.span.set_attributes(attributes)).map(drop)
    }

    /// The request is sent now: the current context goes into `headers`, the time begins.
    #[pyo3(signature = (headers=None))]
    fn sends(&self, py: Python<'_>, headers: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        hook::harmless(py, self.send(py, headers)).map(drop)
    }

    /// Notes the status of the answer, and the version of the protocol where it is known.
    #[pyo3(signature = (status, version=None))]
    pub(super) fn answered(
        &self,
        status: &Bound<'_, PyAny>,
        version: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = status.py();
        hook::harmless(py, self.stop(py))?;
        hook::harmless(py, self.answer(status, version)).map(drop)
    }

    /// `answered` and `finish` in one.
    #[pyo3(signature = (status, version=None))]
    fn complete(
        &self,
        status: &Bound<'_, PyAny>,
        version: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.answered(status, version)?;
        self.finish(status.py())
    }

    /// Notes the sizes of the bodies in bytes, as far as they are known.
    #[pyo3(signature = (request, response))]
    fn sized(&self, py: Python<'_>, request: Option<u64>, response: Option<u64>) {
        let mut state = self.state.lock(py);
        state.request_size = request;
        state.response_size = response;
    }

    /// Notes an exception that there was in place of an answer.
    pub(super) fn failed(&self, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = error.py();
        hook::harmless(py, self.stop(py))?;
        hook::harmless(py, self.fail(error)).map(drop)
    }

    /// Ends the call: durations, sizes, span. The first call counts.
    pub(super) fn finish(&self, py: Python<'_>) -> PyResult<()> {
        self.end_harmlessly(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.traverse(&visit)
    }
}
