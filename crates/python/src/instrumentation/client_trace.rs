//! `ClientTrace`: a request of a library that tells an object of each step, and awaits what that gives;
//! and `ClientTraces`, which makes one for each request.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::client::HttpClient;
use super::client_call::ClientCall;
use super::hook;
use super::method::{self, Arguments, Entry, Method};
use crate::threads::guarded::Guarded;

/// Records with a client what its library says of one request; without one, nothing.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct ClientTrace {
    client: Option<Py<HttpClient>>,
    done: Py<PyAny>,
    /// The class of URLs whose parts are read; others are read by their text.
    url: Option<Py<PyType>>,
    call: Guarded<Option<ClientCall>>,
}

impl ClientTrace {
    fn replace(&self, py: Python<'_>, call: Option<ClientCall>) -> Option<ClientCall> {
        std::mem::replace(&mut *self.call.lock(py), call)
    }

    /// The request is over, after `say` has told its call what came of it.
    fn end<'py>(
        &self,
        py: Python<'py>,
        say: impl FnOnce(&ClientCall) -> PyResult<()>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Some(call) = self.replace(py, None) {
            say(&call)?;
            call.finish(py)?;
        }
        Ok(self.done.bind(py).clone())
    }

    fn text_of<'py>(&self, url: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        match &self.url {
            Some(known) if url.get_type().is(known) => url_text(url),
            _ => url.str(),
        }
    }
}

#[pymethods]
impl ClientTrace {
    fn send_request_start<'py>(
        &self,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = method.py();
        if let Some(client) = &self.client
            && let Some(url) = hook::harmless(py, self.text_of(url))?
        {
            let url = url.into_any();
            let call = HttpClient::send(client.bind(py), method, &url, headers, None, None, None)?;
            drop(self.replace(py, call));
        }
        Ok(self.done.bind(py).clone())
    }

    fn send_request_end<'py>(
        &self,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = (method, url, headers);
        let py = response.py();
        self.end(py, |call| {
            match hook::harmless(py, response.getattr(intern!(py, "status")))? {
                Some(status) => call.answered(&status, None),
                None => Ok(()),
            }
        })
    }

    fn send_request_exception<'py>(
        &self,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        exception: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = (method, url, headers);
        self.end(exception.py(), |call| call.failed(exception))
    }

    /// A step that says nothing of the request.
    #[pyo3(signature = (*_arguments))]
    fn pass_by(&self, py: Python<'_>, _arguments: &Bound<'_, PyTuple>) -> Py<PyAny> {
        self.done.clone_ref(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.client)?;
        visit.call(&self.done)?;
        visit.call(&self.url)?;
        match self.call.peek(&visit).as_deref() {
            Some(Some(call)) => call.traverse(&visit),
            _ => Ok(()),
        }
    }
}

/// Is called for each request, with arguments that say nothing.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct ClientTraces {
    /// Makes what is told in the place of a `ClientTrace`, of an instrumentation that needs Python.
    other: Py<PyAny>,
    /// What is awaited where there is nothing to wait for.
    done: Py<PyAny>,
    url: Option<Py<PyType>>,
    state: Guarded<State>,
    entry: Entry,
}

#[derive(Default)]
struct State {
    client: Option<Py<HttpClient>>,
    /// An instrumentation that needs Python.
    own: Option<Py<PyAny>>,
}

impl Method for ClientTraces {
    fn original(&self) -> &Py<PyAny> {
        &self.other
    }

    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn called<'py>(&self, arguments: &Arguments<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        let py = arguments.py();
        let state = self.state.lock(py);
        let own = state.own.as_ref().map(|own| own.clone_ref(py));
        let client = state.client.as_ref().map(|client| client.clone_ref(py));
        drop(state);
        if let Some(own) = own {
            return self.other.bind(py).call1((own,));
        }
        let trace = ClientTrace {
            client,
            done: self.done.clone_ref(py),
            url: self.url.as_ref().map(|url| url.clone_ref(py)),
            call: Guarded::new(None),
        };
        Ok(Bound::new(py, trace)?.into_any())
    }
}

#[pymethods]
impl ClientTraces {
    /// One that records nothing. `other` is called with an instrumentation, or with what this is called with.
    #[staticmethod]
    #[pyo3(signature = (other, done, url=None))]
    fn new(
        py: Python<'_>,
        other: Py<PyAny>,
        done: Py<PyAny>,
        url: Option<Py<PyType>>,
    ) -> PyResult<Bound<'_, Self>> {
        let own = Self {
            other,
            done,
            url,
            state: Guarded::new(State::default()),
            entry: Entry::of::<Self>(),
        };
        method::new(py, own)
    }

    /// From now on, an instrumentation records: natively, if its `at_once` is an `HttpClient`.
    #[pyo3(signature = (own=None))]
    fn record_with(&self, py: Python<'_>, own: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let mut state = State::default();
        if let Some(own) = own {
            match own.getattr(intern!(py, "at_once"))?.cast_into() {
                Ok(client) => state.client = Some(client.unbind()),
                Err(_) => state.own = Some(own.unbind()),
            }
        }
        let before = std::mem::replace(&mut *self.state.lock(py), state);
        drop(before);
        Ok(())
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        method::call(slf, arguments, keywords)
    }

    /// Itself, as a function is.
    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.other)?;
        visit.call(&self.done)?;
        visit.call(&self.url)?;
        match self.state.peek(&visit) {
            Some(state) => {
                visit.call(&state.client)?;
                visit.call(&state.own)
            }
            None => Ok(()),
        }
    }
}

/// The text of a URL that keeps its parts as they are written. To make it, its class parses the server
/// anew for each request.
#[pyfunction]
pub(crate) fn url_text<'py>(url: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let py = url.py();
    let server = url.getattr(intern!(py, "_netloc"))?;
    let path = url.getattr(intern!(py, "_path"))?;
    let fragment = url.getattr(intern!(py, "_fragment"))?;
    let (Ok(server), Ok(path)) = (server.cast::<PyString>(), path.cast::<PyString>()) else {
        return url.str();
    };
    let (server, path) = (server.to_str()?, path.to_str()?);
    // A port that goes without saying is not said.
    let hides_port = server.ends_with(":80") || server.ends_with("443");
    if server.is_empty() || !path.starts_with('/') || hides_port || fragment.is_truthy()? {
        return url.str();
    }
    let scheme = url.getattr(intern!(py, "_scheme"))?;
    let query = url.getattr(intern!(py, "_query"))?;
    let (scheme, query) = (scheme.cast::<PyString>()?, query.cast::<PyString>()?);
    let scheme = scheme.to_str()?;
    if scheme != "http" && scheme != "https" {
        return url.str();
    }
    let mut text = String::with_capacity(128);
    text.extend([scheme, "://", server, path]);
    if !query.is_empty()? {
        text.extend(["?", query.to_str()?]);
    }
    Ok(PyString::new(py, &text))
}
