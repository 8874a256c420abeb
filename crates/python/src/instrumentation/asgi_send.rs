//! What an ASGI application sends its answer with: each message is noted, and has a span of its own
//! unless those are left out, before the server's own function is called.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};

use super::any_span::{INTERNAL, Start};
use super::asgi;
use super::asgi_route;
use super::asgi_scope;
use super::facts::Facts;
use super::hook;
use super::server_request::ServerRequest;
use crate::imports::oxitel;
use crate::threads::guarded::Guarded;

#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct AsgiSend {
    pub(super) request: Py<ServerRequest>,
    pub(super) scope: Py<PyDict>,
    pub(super) send: Py<PyAny>,
    /// `request.name` gets this behind it as the name of a message's span; `None` for no spans.
    pub(super) suffix: Option<Py<PyString>>,
    /// `note_route(request, scope, True)`, called before the first message, when a framework knows it.
    pub(super) note_route: Option<Py<PyAny>>,
    /// The name of the request that was last seen, and that of a message then.
    pub(super) name: Guarded<Option<(Py<PyAny>, Py<PyAny>)>>,
}

impl AsgiSend {
    // True for the last message of an answer.
    fn note(&self, kind: &Bound<'_, PyAny>, message: &Bound<'_, PyDict>) -> PyResult<bool> {
        let py = kind.py();
        let request = self.request.get();
        if let Some(suffix) = &self.suffix {
            self.record(kind, message, suffix.bind(py))?;
        }
        let mut headers = None;
        if has_headers(kind) {
            headers = hook::harmless(py, asgi_scope::settle_headers(message))?.flatten();
            if request.server.get().has_response_propagator(py)? {
                oxitel::PROPAGATE_RESPONSE
                    .get(py)?
                    .call1((self.request.bind(py), message))?;
            }
        }
        asgi::note_message(request, kind, message, headers.as_ref())
    }

    // The messages of an answer are called the same, unless it is renamed in between.
    fn name_of<'py>(
        &self,
        name: Bound<'py, PyAny>,
        suffix: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        if let Some((last, whole)) = &*self.name.lock(py)
            && name.is(last)
        {
            return Ok(whole.bind(py).clone());
        }
        let whole = name.add(suffix)?;
        let known = (name.unbind(), whole.clone().unbind());
        let replaced = self.name.lock(py).replace(known);
        drop(replaced);
        Ok(whole)
    }

    fn record(
        &self,
        kind: &Bound<'_, PyAny>,
        message: &Bound<'_, PyDict>,
        suffix: &Bound<'_, PyString>,
    ) -> PyResult<()> {
        let py = kind.py();
        let request = self.request.get();
        let server = request.server.get();
        let start = Start {
            name: self.name_of(request.name(py), suffix)?,
            kind: INTERNAL,
            context: None,
        };
        let nothing = Facts::<0>::new();
        let span = server.tracer.start(py, start, &nothing, &server.keys)?;
        if span.is_recording(py) {
            span.set_attribute(py, intern!(py, "asgi.event.type"), kind)?;
            let code = match kind.cast::<PyString>().map(|kind| kind.to_str()) {
                Ok(Ok("http.response.start")) => message.get_item(intern!(py, "status"))?,
                Ok(Ok("websocket.send")) => Some(200u16.into_pyobject(py)?.into_any()),
                _ => None,
            };
            if let Some(code) = code {
                asgi::set_status_of(request, &span, &code)?;
            }
        }
        span.end(py)
    }
}

fn has_headers(kind: &Bound<'_, PyAny>) -> bool {
    kind.cast::<PyString>().is_ok_and(|kind| {
        matches!(
            kind.to_str(),
            Ok("http.response.start" | "websocket.accept" | "websocket.send")
        )
    })
}

#[pymethods]
impl AsgiSend {
    fn __call__<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = message.py();
        let mut is_last = false;
        if let Ok(message) = message.cast::<PyDict>()
            && let Some(kind) = message.get_item(intern!(py, "type"))?
        {
            if let Some(note_route) = &self.note_route
                && !self.request.get().sending(py).has_begun()
            {
                let noted = asgi_route::note(self.request.get(), self.scope.bind(py));
                if !hook::harmless(py, noted)?.unwrap_or(false) {
                    let arguments = (&self.request, &self.scope, true);
                    hook::call(note_route.bind(py), arguments)?;
                }
            }
            is_last = hook::harmless(py, self.note(&kind, message))?.unwrap_or(false);
        }
        let sent = self.send.bind(py).call1((message,))?;
        if !is_last {
            return Ok(sent);
        }
        // The request ends when the server has taken the last message.
        let arguments = (self.request.bind(py), self.scope.bind(py), sent);
        oxitel::SENT.kept(py)?.call1(arguments)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.request)?;
        visit.call(&self.scope)?;
        visit.call(&self.send)?;
        visit.call(&self.note_route)
    }
}
