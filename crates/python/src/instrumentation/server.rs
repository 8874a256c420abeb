//! `HttpServer`: what all requests that an instrumented server handles share, and how one begins.

use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::instrumentation::names::server::{ACTIVE_NEW, ACTIVE_OLD, COUNT, NAMES};

use super::any_instrument::AnyInstrument;
use super::any_span::{AnyTracer, INTERNAL, SERVER, Start};
use super::facts::{Conventions, FactKeys, Facts};
use super::server_request::{ServerRequest, State};
use crate::imports::context;
use crate::imports::official::Official;

/// The facts of one request.
pub(crate) type ServerFacts = Facts<COUNT>;

/// One for each middleware, application or framework that is instrumented.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct HttpServer {
    pub(super) tracer: AnyTracer,
    pub(super) keys: FactKeys,
    pub(super) active_requests: Option<AnyInstrument>,
    pub(super) duration_old: Option<AnyInstrument>,
    pub(super) duration_new: Option<AnyInstrument>,
    /// `hook(span, source)`, when the request has begun.
    pub(super) request_hook: Option<Py<PyAny>>,
    /// `hook(span, source, status, headers)`, before the answer is passed on.
    pub(super) response_hook: Option<Py<PyAny>>,
    /// From the source of the request, or the headers of the answer, to attributes.
    pub(super) request_headers: Option<Py<PyAny>>,
    pub(super) response_headers: Option<Py<PyAny>>,
    /// Reads headers for propagators that are not ours.
    pub(super) getter: Py<PyAny>,
    pub(super) captures_all_methods: bool,
    /// The module that holds the global response propagator, where answers get its headers.
    pub(super) response_propagators: Option<Py<PyAny>>,
    pub(super) response_setter: Option<Py<PyAny>>,
    /// Where requests are kept in the source of theirs.
    pub(super) request_key: Option<Py<PyString>>,
    pub(super) span_key: Option<Py<PyString>>,
}

impl HttpServer {
    /// Begins a request with the span `name`: remote parent or not, span, context, active requests.
    pub(super) fn begin<'py>(
        slf: &Bound<'py, Self>,
        name: Bound<'py, PyAny>,
        facts: ServerFacts,
        extract: impl FnOnce() -> PyResult<Option<Bound<'py, PyAny>>>,
    ) -> PyResult<Bound<'py, ServerRequest>> {
        let py = slf.py();
        let server = slf.get();
        let official = Official::get(py)?;
        let current = context::current(py, official)?;
        // Under a span that is current already, it is a part of what that span stands for.
        let is_inner = match context::span_of(official, &current)? {
            None => false,
            Some(span) if span.is(&official.invalid_span) => false,
            Some(span) => span.is_instance(official.span.bind(py))?,
        };
        let parent = if is_inner {
            current
        } else {
            match extract()? {
                Some(extracted) => extracted,
                None => official.new_context(py)?.into_any(),
            }
        };
        let start = Start {
            name,
            kind: if is_inner { INTERNAL } else { SERVER },
            context: Some(&parent),
        };
        let span = server.tracer.start(py, start, &facts, &server.keys)?;
        let context = official.context_with_span(py, &parent, span.object(py))?;
        let active = server.count_active(py, &facts, &context)?;
        let state = State {
            facts,
            active,
            has_ended: false,
        };
        let request = ServerRequest::new(
            slf.clone().unbind(),
            span,
            context.unbind(),
            !is_inner,
            Instant::now(),
            state,
        );
        Bound::new(py, request)
    }

    /// Counts a request in; its attributes are needed to count it out.
    fn count_active<'py>(
        &self,
        py: Python<'py>,
        facts: &ServerFacts,
        context: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Py<PyDict>>> {
        let Some(counter) = &self.active_requests else {
            return Ok(None);
        };
        let attributes = PyDict::new(py);
        if self.keys.conventions.old {
            facts.put_old(&self.keys, ACTIVE_OLD, &attributes)?;
        }
        if self.keys.conventions.new {
            facts.put_new(&self.keys, ACTIVE_NEW, &attributes)?;
        }
        let one = 1i64.into_pyobject(py)?.into_any();
        counter.measure(py, &one, &attributes, Some(context))?;
        Ok(Some(attributes.unbind()))
    }
}

fn optional(object: Option<Py<PyAny>>, py: Python<'_>) -> Option<Py<PyAny>> {
    object.filter(|object| !object.is_none(py))
}

#[pymethods]
impl HttpServer {
    #[new]
    #[pyo3(signature = (tracer, *, old, new, getter, active_requests, duration_old, duration_new,
        request_hook=None, response_hook=None, request_headers=None, response_headers=None,
        captures_all_methods=false, response_propagators=None, response_setter=None,
        request_key=None, span_key=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords, all of them")]
    fn new(
        py: Python<'_>,
        tracer: Py<PyAny>,
        old: bool,
        new: bool,
        getter: Py<PyAny>,
        active_requests: &Bound<'_, PyAny>,
        duration_old: &Bound<'_, PyAny>,
        duration_new: &Bound<'_, PyAny>,
        request_hook: Option<Py<PyAny>>,
        response_hook: Option<Py<PyAny>>,
        request_headers: Option<Py<PyAny>>,
        response_headers: Option<Py<PyAny>>,
        captures_all_methods: bool,
        response_propagators: Option<Py<PyAny>>,
        response_setter: Option<Py<PyAny>>,
        request_key: Option<Py<PyString>>,
        span_key: Option<Py<PyString>>,
    ) -> Self {
        Self {
            tracer: AnyTracer::new(tracer),
            keys: FactKeys::new(py, &NAMES, Conventions { old, new }),
            active_requests: AnyInstrument::new(active_requests),
            duration_old: AnyInstrument::new(duration_old),
            duration_new: AnyInstrument::new(duration_new),
            request_hook: optional(request_hook, py),
            response_hook: optional(response_hook, py),
            request_headers: optional(request_headers, py),
            response_headers: optional(response_headers, py),
            getter,
            captures_all_methods,
            response_propagators: optional(response_propagators, py),
            response_setter: optional(response_setter, py),
            request_key,
            span_key,
        }
    }

    #[getter]
    fn tracer<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.tracer.object(py).clone()
    }

    /// Calls a WSGI application inside a span, and gives its body, during which the span goes on.
    fn call_wsgi<'py>(
        slf: &Bound<'py, Self>,
        application: &Bound<'py, PyAny>,
        environ: &Bound<'py, PyAny>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        super::wsgi::call(slf, application, environ, start_response)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.tracer.traverse(&visit)?;
        let instruments = [
            &self.active_requests,
            &self.duration_old,
            &self.duration_new,
        ];
        for instrument in instruments.into_iter().flatten() {
            instrument.traverse(&visit)?;
        }
        visit.call(&self.request_hook)?;
        visit.call(&self.response_hook)?;
        visit.call(&self.request_headers)?;
        visit.call(&self.response_headers)?;
        visit.call(&self.response_setter)
    }
}
