//! `HttpServer`: what all requests that an instrumented server handles share, and how one begins.

use std::time::Instant;

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::instrumentation::names::server::{ACTIVE_NEW, ACTIVE_OLD, COUNT, NAMES};
use telemetry::otlp::metric_data::Number;
use telemetry::trace::{random_span_id, random_trace_id};

use super::any_instrument::AnyInstrument;
use super::any_span::{AnySpan, AnyTracer, Described, INTERNAL, SERVER};
use super::facts::{Conventions, FactKeys, Facts};
use super::hook;
use super::incoming::Incoming;
use super::labels;
use super::server_request::{ServerRequest, State};
use crate::imports::context;
use crate::imports::official::Official;
use crate::imports::watch::own_first;
use crate::metrics::exemplar::Moment;
use crate::metrics::instrument::Found;
use crate::metrics::lookup::BorrowedPair;
use crate::trace::current::identity_of_span;
use crate::trace::identity::TraceId;
use crate::trace::unsampled::UnsampledSpan;

/// The facts of one request.
pub(crate) type ServerFacts = Facts<COUNT>;
/// The name of its span, and the facts.
pub(crate) type ServerDescribed<'py> = Described<'py, COUNT>;

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
    /// Gives `captured`, once it is needed: the variables may be set until then.
    captures: Option<Py<PyAny>>,
    captured: Once<Captured>,
    pub(super) request_size_old: Option<AnyInstrument>,
    pub(super) request_size_new: Option<AnyInstrument>,
    pub(super) response_size_old: Option<AnyInstrument>,
    pub(super) response_size_new: Option<AnyInstrument>,
    /// Reads headers for propagators that are not ours.
    pub(super) getter: Py<PyAny>,
    /// The module that holds the global response propagator, where answers get its headers.
    pub(super) response_propagators: Option<Py<PyAny>>,
    pub(super) response_setter: Option<Py<PyAny>>,
    /// Where requests are kept in the source of theirs.
    pub(super) request_key: Option<Py<PyString>>,
    pub(super) span_key: Option<Py<PyString>>,
    /// Under it, the context of a request holds a dict for what spans inside learn of the request later.
    notes_key: Option<Py<PyString>>,
    /// Under it, it holds the tracer, for what is done for the request later.
    tracer_key: Option<Py<PyString>>,
    /// Where a framework has the route in the scope, in a dict under the first key and by the second, if
    /// it is not under `route`. `None` where there is no framework.
    pub(super) route_context: Option<(Py<PyString>, Py<PyString>)>,
    /// `find_route(owner, environ)` gives the route of a WSGI request, for samplers that are shown it.
    pub(super) find_route: Option<Py<PyAny>>,
    /// Whether an exception's text alone describes the status, in the new conventions.
    pub(super) has_bare_descriptions: bool,
    /// Whether requests that are excluded count as active ones.
    pub(super) counts_excluded: bool,
    /// Whether durations of the old conventions have the route as `http.target`.
    pub(super) has_targets: bool,
    /// Whether a span that is current when a request comes is not its parent.
    ignores_current: bool,
}

/// From the source of a request, and from the headers of an answer, to attributes.
#[derive(Default)]
pub(super) struct Captured {
    pub(super) request: Option<Py<PyAny>>,
    pub(super) response: Option<Py<PyAny>>,
    /// Whether methods that nobody knows are recorded as they are.
    pub(super) all_methods: bool,
}

impl HttpServer {
    pub(super) fn captured(&self, py: Python<'_>) -> PyResult<&Captured> {
        self.captured.get_or_try_init(py, || {
            let Some(captures) = &self.captures else {
                return Ok(Captured::default());
            };
            let (request, response, all_methods) = captures.bind(py).call0()?.extract()?;
            Ok(Captured {
                request: optional(request, py),
                response: optional(response, py),
                all_methods,
            })
        })
    }

    pub(super) fn notes_key<'py>(&self, py: Python<'py>) -> Option<&Bound<'py, PyString>> {
        self.notes_key.as_ref().map(|key| key.bind(py))
    }

    /// Keeps a request and its span in the source of theirs, where that is wanted.
    pub(super) fn keep<'py>(
        &self,
        source: &Bound<'py, PyDict>,
        request: &Bound<'py, ServerRequest>,
    ) -> PyResult<()> {
        if let Some(key) = &self.request_key {
            source.set_item(key, request)?;
        }
        if let Some(key) = &self.span_key {
            source.set_item(key, request.get().span.object(source.py()))?;
        }
        Ok(())
    }

    /// Whether answers get headers of the global response propagator.
    pub(super) fn has_response_propagator(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(module) = &self.response_propagators else {
            return Ok(false);
        };
        Ok(response_propagator(module.bind(py))?.is_some())
    }

    /// Begins a request: remote parent or not, span, context, active requests. `describe` is told whether
    /// the span is recorded: if not, the facts of metrics are enough. What is not measured (a websocket)
    /// is a span alone.
    pub(super) fn begin<'py>(
        slf: &Bound<'py, Self>,
        is_measured: bool,
        extract: impl FnOnce() -> PyResult<Incoming<'py>>,
        describe: impl FnOnce(bool) -> PyResult<ServerDescribed<'py>>,
    ) -> PyResult<Bound<'py, ServerRequest>> {
        let py = slf.py();
        let server = slf.get();
        let official = Official::get(py)?;
        let current = context::current(py, official)?;
        let is_inner = !server.ignores_current && is_inner(official, &current)?;
        let incoming = match is_inner {
            true => Incoming::new(Some(current), None),
            false => extract()?,
        };
        let kind = if is_inner { INTERNAL } else { SERVER };
        let tracer = &server.tracer;
        let (span, (name, facts)) =
            tracer.start_described(kind, &incoming, &server.keys, py, describe)?;
        let context = incoming.into_context_of(py, official, span.object(py))?;
        labels::put(&context)?;
        if let Ok(context) = context.cast::<PyDict>() {
            if let Some(key) = &server.notes_key
                && !(span.is_unsampled(py) && tracer.drops_children(py))
            {
                context.set_item(key, PyDict::new(py))?;
            }
            if let Some(key) = &server.tracer_key {
                context.set_item(key, tracer.object(py))?;
            }
        }
        let active = match is_measured {
            true => server.count_active(&facts, &span.moment(&context)?)?,
            false => None,
        };
        let state = State::new(name.unbind(), facts, active, is_measured);
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

    /// Begins a request of which nothing is recorded: under its span, which is not sampled, nothing
    /// else is. `None` under a span that is current already, which has its own say.
    pub(super) fn begin_excluded<'py>(
        slf: &Bound<'py, Self>,
        facts: Option<ServerFacts>,
        extract: impl FnOnce() -> PyResult<Incoming<'py>>,
    ) -> PyResult<Option<Bound<'py, ServerRequest>>> {
        let py = slf.py();
        let official = Official::get(py)?;
        let current = context::current(py, official)?;
        if !slf.get().ignores_current && is_inner(official, &current)? {
            return Ok(None);
        }
        let parent = extract()?.context(py, official)?;
        let identity = identity_of_span(official, &parent)?;
        let trace_id = identity.map_or_else(random_trace_id, |identity| identity.trace_id);
        let span = UnsampledSpan::new(TraceId::Number(trace_id), random_span_id(), 0, None);
        let span = AnySpan::of(Bound::new(py, span)?.as_any());
        let context = official.context_with_span(py, &parent, span.object(py))?;
        let active = match &facts {
            Some(facts) => slf.get().count_active(facts, &span.moment(&context)?)?,
            None => None,
        };
        let facts = facts.unwrap_or(ServerFacts::new());
        let state = State::new(py.None(), facts, active, false);
        let server = slf.clone().unbind();
        let now = Instant::now();
        let request = ServerRequest::new(server, span, context.unbind(), true, now, state);
        Ok(Some(Bound::new(py, request)?))
    }

    /// Counts a request in; gives where it was counted, if that is known.
    fn count_active(
        &self,
        facts: &ServerFacts,
        moment: &Moment<'_, '_>,
    ) -> PyResult<Option<Active>> {
        let Some(counter) = &self.active_requests else {
            return Ok(None);
        };
        let pairs = self.active_pairs(moment.context().py(), facts);
        let found = counter.measure_first(Number::Int(1), &pairs, moment)?;
        Ok(Some(Active(found)))
    }

    /// Counts a request out. The facts are those with which it was counted in.
    pub(super) fn count_out<'py>(
        &self,
        facts: &ServerFacts,
        active: &Active,
        moment: &Moment<'_, 'py>,
    ) -> PyResult<()> {
        let Some(counter) = &self.active_requests else {
            return Ok(());
        };
        let py = moment.context().py();
        let pairs = || self.active_pairs(py, facts);
        counter.measure_again(active.0.as_ref(), Number::Int(-1), pairs, moment)
    }

    // None of them changes while the request is active.
    fn active_pairs<'a, 'py>(
        &'a self,
        py: Python<'py>,
        facts: &'a ServerFacts,
    ) -> Vec<BorrowedPair<'a, 'py>> {
        let mut pairs = Vec::with_capacity(8);
        if self.keys.conventions.old {
            facts.show_old(py, &self.keys, ACTIVE_OLD, &mut pairs);
        }
        if self.keys.conventions.new {
            facts.show_new(py, &self.keys, ACTIVE_NEW, &mut pairs);
        }
        pairs
    }
}

/// The global response propagator, if there is one.
pub(super) fn response_propagator<'py>(
    module: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let propagator = own_first(module, intern!(module.py(), "_RESPONSE_PROPAGATOR"))?;
    Ok(Some(propagator).filter(|propagator| !propagator.is_none()))
}

/// A request that was counted as active, and where.
pub(super) struct Active(Option<Found>);

// Under a span that is current already, a request is a part of what that span stands for.
fn is_inner(official: &Official, current: &Bound<'_, PyAny>) -> PyResult<bool> {
    match context::span_of(official, current)? {
        None => Ok(false),
        Some(span) if span.is(&official.invalid_span) => Ok(false),
        Some(span) => span.is_instance(official.span.bind(current.py())),
    }
}

fn optional(object: Option<Py<PyAny>>, py: Python<'_>) -> Option<Py<PyAny>> {
    object.filter(|object| !object.is_none(py))
}

#[pymethods]
impl HttpServer {
    #[new]
    #[pyo3(signature = (tracer, *, old, new, getter, active_requests, duration_old, duration_new,
        request_hook=None, response_hook=None, captures=None, request_size_old=None,
        request_size_new=None, response_size_old=None, response_size_new=None,
        response_propagators=None, response_setter=None,
        request_key=None, span_key=None, notes_key=None, tracer_key=None, route_context=None, find_route=None, has_bare_descriptions=false,
        counts_excluded=false, has_targets=true, ignores_current=false))]
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
        captures: Option<Py<PyAny>>,
        request_size_old: Option<&Bound<'_, PyAny>>,
        request_size_new: Option<&Bound<'_, PyAny>>,
        response_size_old: Option<&Bound<'_, PyAny>>,
        response_size_new: Option<&Bound<'_, PyAny>>,
        response_propagators: Option<Py<PyAny>>,
        response_setter: Option<Py<PyAny>>,
        request_key: Option<Py<PyString>>,
        span_key: Option<Py<PyString>>,
        notes_key: Option<Py<PyString>>,
        tracer_key: Option<Py<PyString>>,
        route_context: Option<(Py<PyString>, Py<PyString>)>,
        find_route: Option<Py<PyAny>>,
        has_bare_descriptions: bool,
        counts_excluded: bool,
        has_targets: bool,
        ignores_current: bool,
    ) -> Self {
        Self {
            tracer: AnyTracer::new(tracer),
            keys: FactKeys::new(py, &NAMES, Conventions { old, new }),
            active_requests: AnyInstrument::new(active_requests),
            duration_old: AnyInstrument::new(duration_old),
            duration_new: AnyInstrument::new(duration_new),
            request_hook: optional(request_hook, py),
            response_hook: optional(response_hook, py),
            captures: optional(captures, py),
            captured: Once::new(),
            request_size_old: request_size_old.and_then(AnyInstrument::new),
            request_size_new: request_size_new.and_then(AnyInstrument::new),
            response_size_old: response_size_old.and_then(AnyInstrument::new),
            response_size_new: response_size_new.and_then(AnyInstrument::new),
            getter,
            response_propagators: optional(response_propagators, py),
            response_setter: optional(response_setter, py),
            request_key,
            span_key,
            notes_key,
            tracer_key,
            route_context,
            find_route: optional(find_route, py),
            has_bare_descriptions,
            counts_excluded,
            has_targets,
            ignores_current,
        }
    }

    #[getter]
    fn tracer<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.tracer.object(py).clone()
    }

    /// Whether a sampler written in Python has to be shown name and attributes at the start.
    #[getter]
    fn has_python_sampler(&self, py: Python<'_>) -> bool {
        self.tracer.has_python_sampler(py)
    }

    /// Calls a WSGI application inside a span, and gives its body, during which the span goes on.
    /// Where there is an owner, the application is a method of its class.
    #[pyo3(signature = (application, environ, start_response, owner=None))]
    fn call_wsgi<'py>(
        slf: &Bound<'py, Self>,
        application: &Bound<'py, PyAny>,
        environ: &Bound<'py, PyAny>,
        start_response: &Bound<'py, PyAny>,
        owner: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        super::wsgi::call(slf, application, environ, start_response, owner)
    }

    /// Calls a WSGI application of whose request nothing is recorded, nor of what it does.
    fn call_wsgi_excluded<'py>(
        slf: &Bound<'py, Self>,
        application: &Bound<'py, PyAny>,
        environ: &Bound<'py, PyAny>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        super::wsgi::call_excluded(slf, application, environ, start_response)
    }

    /// Begins a request of a WSGI environment of which nothing is recorded.
    fn begin_wsgi_excluded<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Bound<'py, ServerRequest>>> {
        let extract = || super::wsgi_environ::extract(slf.get(), environ);
        let begun = Self::begin_excluded(slf, None, extract);
        Ok(hook::harmless(slf.py(), begun)?.flatten())
    }

    /// Begins the request of an ASGI scope; None where instrumentations are suppressed.
    #[pyo3(signature = (scope, name=None, attributes=None))]
    fn begin_asgi<'py>(
        slf: &Bound<'py, Self>,
        scope: &Bound<'py, PyDict>,
        name: Option<Bound<'py, PyAny>>,
        attributes: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Bound<'py, ServerRequest>>> {
        let begun = super::asgi::begin(slf, scope, name, attributes);
        Ok(hook::harmless(slf.py(), begun)?.flatten())
    }

    /// Begins the request of an ASGI scope, or of a WSGI environment, which `meta` is then; makes its span
    /// current, and keeps it in `meta` until `owner` ends it. None where instrumentations are suppressed.
    #[pyo3(signature = (owner, meta, name, scope=None))]
    fn enter<'py>(
        slf: &Bound<'py, Self>,
        owner: Py<PyAny>,
        meta: &Bound<'py, PyDict>,
        name: Bound<'py, PyAny>,
        scope: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Bound<'py, ServerRequest>>> {
        let begun = super::framework::begin(slf, owner, meta, scope, name);
        Ok(hook::harmless(slf.py(), begun)?.flatten())
    }

    /// Begins the request that the keywords describe (method, route, scheme, host, port, target, path,
    /// url, server_name, version, user_agent). `headers` are its headers as pairs, `carrier` is what
    /// holds them for the getter and for `captures`. None where instrumentations are suppressed.
    #[pyo3(signature = (carrier, headers, **told))]
    fn begin_told<'py>(
        slf: &Bound<'py, Self>,
        carrier: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        told: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Bound<'py, ServerRequest>>> {
        let Some(told) = told else { return Ok(None) };
        let begun = super::told::begin(slf, carrier, headers, told);
        Ok(hook::harmless(slf.py(), begun)?.flatten())
    }

    /// Begins a request with these headers, of which nothing is recorded.
    fn begin_told_excluded<'py>(
        slf: &Bound<'py, Self>,
        carrier: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, ServerRequest>>> {
        let extract = || super::told::extract(slf.get(), carrier, headers);
        let begun = Self::begin_excluded(slf, None, extract);
        Ok(hook::harmless(slf.py(), begun)?.flatten())
    }

    /// Begins a request of an ASGI scope of which nothing is recorded.
    fn begin_asgi_excluded<'py>(
        slf: &Bound<'py, Self>,
        scope: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Bound<'py, ServerRequest>>> {
        let extract = || super::asgi_scope::extract(slf.get(), scope, None);
        let begun = Self::begin_excluded(slf, None, extract);
        Ok(hook::harmless(slf.py(), begun)?.flatten())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.tracer.traverse(&visit)?;
        let instruments = [
            &self.active_requests,
            &self.duration_old,
            &self.duration_new,
            &self.request_size_old,
            &self.request_size_new,
            &self.response_size_old,
            &self.response_size_new,
        ];
        for instrument in instruments.into_iter().flatten() {
            instrument.traverse(&visit)?;
        }
        visit.call(&self.request_hook)?;
        visit.call(&self.response_hook)?;
        visit.call(&self.captures)?;
        visit.call(&self.find_route)?;
        visit.call(&self.response_setter)
    }
}
