//! `ServerRequest`: a request between its beginning and the end of its answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::instrumentation::names::server::{
    DURATION_NEW, DURATION_OLD, ERROR_TYPE, METHOD, METHOD_ORIGINAL, ROUTE, STATUS,
};
use telemetry::instrumentation::status;
use telemetry::otlp::metric_data::Number;

use super::any_span::AnySpan;
use super::asgi::{self, Sending};
use super::asgi_scope::HeadersMark;
use super::asgi_send::AsgiSend;
use super::framework::{self, Kept};
use super::hook;
use super::labels;
use super::server::{Active, HttpServer, ServerFacts};
use super::wsgi::Body;
use super::wsgi_environ;
use crate::imports::context;
use crate::imports::official::Official;
use crate::metrics::exemplar::Moment;
use crate::process::diagnostics;
use crate::threads::guarded::Guarded;
use crate::threads::interruption::Settled;

const USUAL_METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"];

#[pyclass(frozen, weakref, module = "oxitel._native")]
pub(crate) struct ServerRequest {
    pub(super) server: Py<HttpServer>,
    pub(super) span: AnySpan,
    /// Holds the span.
    context: Py<PyAny>,
    pub(super) is_server: bool,
    start: Instant,
    /// Whether the whole body is there when the application returns.
    is_complete: AtomicBool,
    state: Guarded<State>,
}

pub(super) struct State {
    name: Py<PyAny>,
    facts: ServerFacts,
    /// Where it was counted as active.
    active: Option<Active>,
    /// In place of the route, in the old duration.
    target: Option<Py<PyAny>>,
    request_size: Option<u64>,
    /// Tells the headers in which that was found from others.
    headers: Option<HeadersMark>,
    response_size: Option<u64>,
    sending: Sending,
    is_measured: bool,
    /// The address of the exception that was noted last; only compared.
    noted: Option<usize>,
    has_ended: bool,
    /// While the object of a framework keeps it.
    kept: Option<Kept>,
}

impl State {
    pub(super) fn new(
        name: Py<PyAny>,
        facts: ServerFacts,
        active: Option<Active>,
        is_measured: bool,
    ) -> Self {
        Self {
            name,
            facts,
            active,
            target: None,
            request_size: None,
            headers: None,
            response_size: None,
            sending: Sending::default(),
            is_measured,
            noted: None,
            has_ended: false,
            kept: None,
        }
    }
}

/// What is known of a request at its end.
struct Ending {
    elapsed: Duration,
    target: Option<Py<PyAny>>,
    active: Option<Active>,
    request_size: Option<u64>,
    response_size: Option<u64>,
    is_measured: bool,
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
            is_complete: AtomicBool::new(false),
            state: Guarded::new(state),
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Relaxed)
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
                    // An exception says more than the answer that was made of it.
                    if self.state.lock(py).noted.is_none() {
                        self.span.set_error(py, None)?;
                    }
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
        self.note(error.value(py).as_any())
    }

    fn note(&self, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = error.py();
        let server = self.server.get();
        let address = error.as_ptr().addr();
        if self.state.lock(py).noted.replace(address) != Some(address) {
            self.span.note(error)?;
            if server.keys.conventions.new && server.has_bare_descriptions {
                let text = error.str()?;
                self.span.set_error(py, Some(&text.to_string_lossy()))?;
            }
        }
        self.set_error_type(py, error.get_type().qualname()?.into_any())
    }

    /// Ends the request: its duration, the active requests, the span. The first call counts.
    pub(super) fn finish(&self, py: Python<'_>) -> PyResult<()> {
        let elapsed = self.start.elapsed();
        // Not held while something is measured: that may run Python code, which may ask the request.
        let (facts, ending) = {
            let mut state = self.state.lock(py);
            if std::mem::replace(&mut state.has_ended, true) {
                return Ok(());
            }
            let ending = Ending {
                elapsed,
                target: state.target.take(),
                active: state.active.take(),
                request_size: state.request_size,
                response_size: state.response_size,
                is_measured: state.is_measured,
            };
            let facts = std::mem::replace(&mut state.facts, ServerFacts::new());
            (facts, ending)
        };
        let measured = self.measure(py, &facts, &ending);
        self.state.lock(py).facts = facts;
        let ended = self.span.end(py);
        measured.and(ended)
    }

    fn measure(&self, py: Python<'_>, facts: &ServerFacts, ending: &Ending) -> PyResult<()> {
        let server = self.server.get();
        let context = self.context.bind(py);
        let labels = labels::of(context)?;
        let labels = labels.as_ref();
        let moment = self.span.moment(context)?;
        let mut old = Vec::new();
        if ending.is_measured && server.duration_old.is_some() {
            old.reserve_exact(12);
            facts.show_old(py, &server.keys, DURATION_OLD, &mut old);
            let target = ending.target.as_ref().map(|target| target.bind(py));
            let route = facts.get(py, ROUTE).filter(|_| server.has_targets);
            if let Some(target) = target.or(route) {
                old.push((intern!(py, "http.target"), target));
            }
        }
        let mut new = Vec::new();
        if ending.is_measured && server.duration_new.is_some() {
            new.reserve_exact(8);
            facts.show_new(py, &server.keys, DURATION_NEW, &mut new);
        }
        if !ending.is_measured {
            return self.count_out(facts, ending, &moment);
        }
        let sizes = [
            (ending.response_size, &server.response_size_old, &old),
            (ending.response_size, &server.response_size_new, &new),
            (ending.request_size, &server.request_size_old, &old),
            (ending.request_size, &server.request_size_new, &new),
        ];
        for (size, instrument, pairs) in sizes {
            if let (Some(size), Some(instrument)) = (size, instrument) {
                let size = i64::try_from(size).map_or(Number::Double(size as f64), Number::Int);
                instrument.measure_pairs(size, pairs, labels, &moment)?;
            }
        }
        if let Some(duration) = &server.duration_old {
            // A duration in milliseconds is far below 2^53.
            let millis = (ending.elapsed.as_secs_f64() * 1000.0).round_ties_even() as i64;
            duration.measure_pairs(Number::Int(millis), &old, labels, &moment)?;
        }
        if let Some(duration) = &server.duration_new {
            let seconds = Number::Double(ending.elapsed.as_secs_f64());
            duration.measure_pairs(seconds, &new, labels, &moment)?;
        }
        self.count_out(facts, ending, &moment)
    }

    fn count_out(
        &self,
        facts: &ServerFacts,
        ending: &Ending,
        moment: &Moment<'_, '_>,
    ) -> PyResult<()> {
        match &ending.active {
            Some(active) => self.server.get().count_out(facts, active, moment),
            None => Ok(()),
        }
    }

    /// As [`Self::finish`]; what is raised on the way is logged.
    pub(super) fn finish_harmlessly(&self, py: Python<'_>) -> PyResult<()> {
        hook::harmless(py, self.finish(py)).map(drop)
    }

    pub(super) fn has_ended(&self, py: Python<'_>) -> bool {
        self.state.lock(py).has_ended
    }

    /// The size that the request's headers say, and which these are.
    pub(super) fn set_request_size(
        &self,
        py: Python<'_>,
        size: Option<u64>,
        headers: Option<HeadersMark>,
    ) {
        let mut state = self.state.lock(py);
        state.request_size = size;
        state.headers = headers;
    }

    pub(super) fn headers(&self, py: Python<'_>) -> Option<HeadersMark> {
        self.state.lock(py).headers
    }

    /// Whether its method is one of those that nearly all requests have, written as usual.
    pub(super) fn has_usual_method(&self, py: Python<'_>) -> bool {
        let state = self.state.lock(py);
        let method = state.facts.get(py, METHOD);
        state.facts.get(py, METHOD_ORIGINAL).is_none()
            && method.is_some_and(|method| {
                let method = method.cast::<PyString>();
                let method = method.ok().and_then(|method| method.to_str().ok());
                method.is_some_and(|method| USUAL_METHODS.contains(&method))
            })
    }

    /// Notes the route, and names the span by method and route, unless that was done before.
    pub(super) fn take_route(&self, route: Bound<'_, PyAny>) -> PyResult<()> {
        let py = route.py();
        let known = self.state.lock(py).facts.get(py, ROUTE).cloned();
        if let Some(known) = known
            && (known.is(&route) || known.eq(&route).settled(py).unwrap_or(false))
        {
            return Ok(());
        }
        if self.span.is_unsampled(py) {
            self.state.lock(py).facts.set(ROUTE, route);
            return Ok(());
        }
        let method = self.state.lock(py).facts.get(py, METHOD).cloned();
        let name = wsgi_environ::name_of_route(method.as_ref(), &route)?;
        self.routed(name.into_any(), route)
    }

    pub(super) fn set_response_size(&self, py: Python<'_>, size: Option<u64>) {
        self.state.lock(py).response_size = size;
    }

    pub(super) fn set_kept(&self, py: Python<'_>, kept: Kept) {
        let replaced = self.state.lock(py).kept.replace(kept);
        drop(replaced);
    }

    /// Who has begun it, if that is `owner`; once.
    pub(super) fn take_kept(&self, owner: &Bound<'_, PyAny>) -> Option<Kept> {
        let mut state = self.state.lock(owner.py());
        state.kept.take_if(|kept| kept.owner.is(owner))
    }

    pub(super) fn sending(&self, py: Python<'_>) -> Sending {
        self.state.lock(py).sending
    }

    pub(super) fn set_sending(&self, py: Python<'_>, sending: Sending) {
        self.state.lock(py).sending = sending;
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
            self.finish(py).settled(py);
            if let Some(raised) = raised {
                raised.restore(py);
            }
        });
    }
}

#[pymethods]
impl ServerRequest {
    /// Programs copy the dict in which a framework keeps it.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, memo: &Bound<'_, PyAny>) -> Py<Self> {
        let _ = memo;
        slf
    }

    #[getter]
    fn span<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.span.object(py).clone()
    }

    /// What the span is called, as far as it is known here.
    #[getter]
    pub(super) fn name<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.state.lock(py).name.bind(py).clone()
    }

    /// The route that was noted, None if there is none.
    #[getter]
    fn route<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.state.lock(py).facts.get(py, ROUTE).cloned()
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

    /// Notes an exception that the framework makes an answer of.
    fn failed(&self, error: &Bound<'_, PyAny>) -> PyResult<()> {
        if error.is_instance_of::<PyException>() {
            hook::harmless(error.py(), self.note(error))?;
        }
        Ok(())
    }

    /// Notes the status of the answer, and what `headers`, the source of its headers, have to say.
    fn answered(&self, status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = status.py();
        let noted = asgi::answer(self, status).and_then(|()| {
            let captured = self.server.get().captured(py)?;
            self.capture(captured.response.as_ref(), headers)
        });
        hook::harmless(py, noted).map(drop)
    }

    /// Takes the request out of `meta`, and gives what is for `leave`; None if `owner` is not the one that
    /// has begun it.
    fn let_go<'py>(
        &self,
        owner: &Bound<'py, PyAny>,
        meta: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(hook::harmless(owner.py(), framework::let_go(self, owner, meta))?.flatten())
    }

    /// Takes the request out of `meta`, notes the answer, and ends the request, unless `owner` is not the
    /// one that has begun it. False, and nothing is done, where no route was noted.
    fn ends_with(
        &self,
        owner: &Bound<'_, PyAny>,
        meta: &Bound<'_, PyDict>,
        status: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let py = owner.py();
        if self.state.lock(py).facts.get(py, ROUTE).is_none() {
            return Ok(false);
        }
        let Some(token) = self.let_go(owner, meta)? else {
            return Ok(true);
        };
        let answered = self.answered(status, headers);
        let finished = self.finish_harmlessly(py);
        self.leave(py, &token);
        answered.and(finished).map(|()| true)
    }

    /// The parts of a streamed answer, each made inside the span, which ends after the last.
    fn during<'py>(slf: Bound<'py, Self>, parts: Bound<'py, PyAny>) -> PyResult<Bound<'py, Body>> {
        Bound::new(slf.py(), Body::new(slf, parts))
    }

    /// Nothing is left to be made of the answer: the request ends when the application returns.
    fn completed(&self) {
        self.is_complete.store(true, Ordering::Relaxed);
    }

    /// Makes the span current; what is returned is for `leave`.
    #[pyo3(name = "enter")]
    fn enter_method<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.enter(py)
    }

    #[pyo3(name = "leave")]
    fn leave_method(&self, py: Python<'_>, token: &Bound<'_, PyAny>) {
        self.leave(py, token);
    }

    /// Ends the request: durations, sizes, active requests, span. The first call counts.
    #[pyo3(name = "finish")]
    fn finish_method(&self, py: Python<'_>) -> PyResult<()> {
        self.finish_harmlessly(py)
    }

    /// Ends the request of an ASGI scope.
    fn ends(&self, scope: &Bound<'_, PyDict>) -> PyResult<()> {
        hook::harmless(scope.py(), asgi::end(self, scope))?;
        self.finish_harmlessly(scope.py())
    }

    /// The same at the end of the application's call: the context before it is current again.
    fn left(&self, token: &Bound<'_, PyAny>, scope: &Bound<'_, PyDict>) -> PyResult<()> {
        self.leave(token.py(), token);
        self.ends(scope)
    }

    /// What durations of the old conventions have as `http.target`, other than the route.
    pub(super) fn set_target(&self, target: Py<PyAny>, py: Python<'_>) {
        let replaced = self.state.lock(py).target.replace(target);
        drop(replaced);
    }

    /// Notes what an ASGI message of the answer says; true for the last one.
    fn sends(&self, kind: &Bound<'_, PyAny>, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let noted = asgi::headers_of(message)
            .and_then(|headers| asgi::note_message(self, kind, message, headers.as_ref()));
        Ok(hook::harmless(kind.py(), noted)?.unwrap_or(false))
    }

    /// What the application sends its answer with, to `send` of the server.
    #[pyo3(name = "sending", signature = (scope, send, suffix, note_route))]
    fn sending_method(
        slf: &Bound<'_, Self>,
        scope: Py<PyDict>,
        send: Py<PyAny>,
        suffix: Option<Py<PyString>>,
        note_route: Option<Py<PyAny>>,
    ) -> AsgiSend {
        AsgiSend {
            request: slf.clone().unbind(),
            scope,
            send,
            suffix,
            note_route,
            name: Guarded::default(),
        }
    }

    /// Notes a status on the span of one message.
    fn set_status_on(&self, span: &Bound<'_, PyAny>, code: &Bound<'_, PyAny>) -> PyResult<()> {
        hook::harmless(
            span.py(),
            asgi::set_status_of(self, &AnySpan::of(span), code),
        )
        .map(drop)
    }

    /// Calls `hook` with the span and `arguments`; what it raises is logged.
    #[pyo3(signature = (hook, *arguments))]
    fn call_hook(&self, hook: &Bound<'_, PyAny>, arguments: &Bound<'_, PyTuple>) -> PyResult<()> {
        let mut all = vec![self.span.object(hook.py()).clone()];
        all.extend(arguments.iter());
        hook::call(hook, PyTuple::new(hook.py(), all)?).map(drop)
    }

    /// What its context holds under the server's key for notes; None where nothing inside is recorded.
    #[getter]
    fn notes<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(key) = self.server.get().notes_key(py) else {
            return Ok(None);
        };
        match self.context.bind(py).cast::<PyDict>() {
            Ok(context) => context.get_item(key),
            Err(_) => Ok(None),
        }
    }

    /// Whether spans inside of it leave a trace.
    #[getter]
    fn has_inner_spans(&self, py: Python<'_>) -> bool {
        !self.span.is_unsampled(py) || !self.server.get().tracer.drops_children(py)
    }

    /// Notes the route, and names the span by method and route; gives the notes.
    fn routed_to<'py>(&self, route: Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = route.py();
        self.take_route(route)?;
        self.notes(py)
    }

    /// Notes the route, and names the span after it.
    fn routed(&self, name: Bound<'_, PyAny>, route: Bound<'_, PyAny>) -> PyResult<()> {
        let py = name.py();
        if !route.is_none() {
            self.span
                .set_fact(py, &self.server.get().keys, ROUTE, &route)?;
            self.state.lock(py).facts.set(ROUTE, route);
        }
        let previous = std::mem::replace(&mut self.state.lock(py).name, name.clone().unbind());
        self.span.rename(previous.bind(py), name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.server)?;
        self.span.traverse(&visit)?;
        visit.call(&self.context)?;
        match self.state.peek(&visit) {
            Some(state) => {
                if let Some(kept) = &state.kept {
                    visit.call(&kept.owner)?;
                    visit.call(&kept.token)?;
                }
                state.facts.traverse(&visit)
            }
            None => Ok(()),
        }
    }
}
