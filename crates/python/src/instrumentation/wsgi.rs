//! WSGI (PEP 3333): the call of the application, the `start_response` that it is given, and the body
//! that it gives back, during which its span goes on.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::instrumentation::status;

use super::hook;
use super::server::{HttpServer, response_propagator};
use super::server_request::{Answer, ServerRequest};
use super::wsgi_environ::{self, Wanted};
use crate::threads::guarded::Guarded;

/// The whole of a request, but for the body.
pub(super) fn call<'py>(
    server: &Bound<'py, HttpServer>,
    application: &Bound<'py, PyAny>,
    environ: &Bound<'py, PyAny>,
    start_response: &Bound<'py, PyAny>,
    owner: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = server.py();
    let call = |start_response: &Bound<'py, PyAny>| match owner {
        Some(owner) => application.call1((owner, environ, start_response)),
        None => application.call1((environ, start_response)),
    };
    let begun = environ
        .cast::<PyDict>()
        .map_err(PyErr::from)
        .and_then(|environ| begin(server, environ, owner));
    let Some(request) = hook::harmless(py, begun)? else {
        return call(start_response);
    };
    let token = request.get().enter(py)?;
    let hooked = hook_request(request.get(), environ);
    let response = StartResponse {
        request: request.clone().unbind(),
        environ: environ.clone().unbind(),
        next: start_response.clone().unbind(),
    };
    let body = hooked
        .and_then(|()| Bound::new(py, response))
        .and_then(|response| call(response.as_any()));
    request.get().leave(py, &token);
    match body {
        Ok(body) => follow(request, environ, body),
        Err(error) => {
            hook::harmless(py, request.get().fail(py, &error))?;
            request.get().finish_harmlessly(py)?;
            Err(error)
        }
    }
}

/// A request that is excluded, and everything in it.
pub(super) fn call_excluded<'py>(
    server: &Bound<'py, HttpServer>,
    application: &Bound<'py, PyAny>,
    environ: &Bound<'py, PyAny>,
    start_response: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = server.py();
    let begun = environ
        .cast::<PyDict>()
        .map_err(PyErr::from)
        .and_then(|environ| {
            let own = server.get();
            let facts = match own.counts_excluded {
                true => Some(
                    wsgi_environ::describe(
                        environ,
                        &Wanted {
                            conventions: own.keys.conventions,
                            all_methods: own.captured(py)?.all_methods,
                            is_recorded: false,
                            is_named: false,
                        },
                    )?
                    .facts,
                ),
                false => None,
            };
            HttpServer::begin_excluded(server, facts, || wsgi_environ::extract(own, environ))
        });
    let Some(Some(request)) = hook::harmless(py, begun)? else {
        return application.call1((environ, start_response));
    };
    let token = request.get().enter(py)?;
    let body = application.call1((environ, start_response));
    request.get().leave(py, &token);
    follow(request, environ, body?)
}

fn begin<'py>(
    server: &Bound<'py, HttpServer>,
    environ: &Bound<'py, PyDict>,
    owner: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, ServerRequest>> {
    let py = server.py();
    let mut route = None;
    if let (Some(owner), Some(find)) = (owner, &server.get().find_route)
        && server.get().tracer.has_python_sampler(py)
    {
        let found = hook::call(find.bind(py), (owner, environ))?;
        route = found.filter(|route| !route.is_none());
    }
    start(server, environ, true, |mut described| {
        if let Some(route) = route {
            described.set_route(route)?;
        }
        Ok(described)
    })
}

/// Begins a request of which a framework calls the parts.
pub(super) fn begin_named<'py>(
    server: &Bound<'py, HttpServer>,
    environ: &Bound<'py, PyDict>,
    name: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, ServerRequest>> {
    let request = start(server, environ, false, |mut described| {
        described.name = name;
        Ok(described)
    })?;
    let py = server.py();
    let captured = server.get().captured(py)?;
    let captured = request.get().capture(captured.request.as_ref(), environ);
    hook::harmless(py, captured)?;
    Ok(request)
}

fn start<'py>(
    server: &Bound<'py, HttpServer>,
    environ: &Bound<'py, PyDict>,
    is_named: bool,
    change: impl FnOnce(wsgi_environ::Described<'py>) -> PyResult<wsgi_environ::Described<'py>>,
) -> PyResult<Bound<'py, ServerRequest>> {
    let own = server.get();
    let all_methods = own.captured(server.py())?.all_methods;
    let extract = || wsgi_environ::extract(own, environ);
    let request = HttpServer::begin(server, true, extract, |is_recorded| {
        let conventions = own.keys.conventions;
        let wanted = Wanted {
            conventions,
            all_methods,
            is_recorded,
            is_named: is_named && is_recorded,
        };
        let described = wsgi_environ::describe(environ, &wanted)?;
        let described = change(described)?;
        Ok((described.name, described.facts))
    })?;
    own.keep(environ, &request)?;
    Ok(request)
}

fn hook_request(request: &ServerRequest, environ: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = environ.py();
    let server = request.server.get();
    let captured = server
        .captured(py)
        .and_then(|captured| request.capture(captured.request.as_ref(), environ));
    hook::harmless(py, captured)?;
    if let Some(hook) = &server.request_hook {
        hook::call(hook.bind(py), (request.span.object(py), environ))?;
    }
    Ok(())
}

/// What the application calls with its status and headers.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct StartResponse {
    request: Py<ServerRequest>,
    environ: Py<PyAny>,
    next: Py<PyAny>,
}

impl StartResponse {
    fn note(&self, status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = status.py();
        let request = self.request.get();
        let server = request.server.get();
        let line = status.cast::<PyString>()?.to_string_lossy();
        let answer = match status::code_of_line(&line) {
            Some(code) => Answer::Code(code),
            None => Answer::Unreadable(status::first_word(&line)),
        };
        request.answer(py, &answer)?;
        if let Some(propagators) = &server.response_propagators
            && let Some(propagator) = response_propagator(propagators.bind(py))?
        {
            let options = PyDict::new(py);
            options.set_item(intern!(py, "setter"), &server.response_setter)?;
            let name = intern!(py, "inject");
            propagator.call_method(name, (headers,), Some(&options))?;
        }
        request.capture(server.captured(py)?.response.as_ref(), headers)
    }
}

#[pymethods]
impl StartResponse {
    #[pyo3(signature = (status, response_headers, *args, **kwargs))]
    fn __call__<'py>(
        &self,
        status: &Bound<'py, PyAny>,
        response_headers: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = status.py();
        hook::harmless(py, self.note(status, response_headers))?;
        let request = self.request.get();
        if let Some(hook) = &request.server.get().response_hook {
            let span = request.span.object(py);
            let arguments = (span, &self.environ, status, response_headers);
            hook::call(hook.bind(py), arguments)?;
        }
        let next = self.next.bind(py);
        if args.is_empty() && kwargs.is_none() {
            return next.call1((status, response_headers));
        }
        let mut all = vec![status.clone(), response_headers.clone()];
        all.extend(args.iter());
        next.call(PyTuple::new(py, all)?, kwargs)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.request)?;
        visit.call(&self.environ)?;
        visit.call(&self.next)
    }
}

// A file that the server has its own way to send must reach it as it is.
fn is_file_of_server(environ: &Bound<'_, PyAny>, body: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = environ.py();
    let Ok(environ) = environ.cast::<PyDict>() else {
        return Ok(false);
    };
    let Some(wrapper) = environ.get_item(intern!(py, "wsgi.file_wrapper"))? else {
        return Ok(false);
    };
    match wrapper.cast::<PyType>() {
        Ok(class) => body.is_instance(class),
        // A function, which gives back the file itself.
        Err(_) => body.hasattr(intern!(py, "read")),
    }
}

fn follow<'py>(
    request: Bound<'py, ServerRequest>,
    environ: &Bound<'py, PyAny>,
    body: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = body.py();
    let is_ours = body.is_instance_of::<Body>();
    if request.get().is_complete() && !is_ours || is_file_of_server(environ, &body)? {
        request.get().finish_harmlessly(py)?;
        return Ok(body);
    }
    Ok(Bound::new(py, Body::new(request, body))?.into_any())
}

/// The body of an answer: made inside the span, which ends with it.
#[pyclass(frozen, weakref, module = "oxitel._native", name = "ResponseBody")]
pub(crate) struct Body {
    request: Py<ServerRequest>,
    body: Py<PyAny>,
    /// Whether it is a list or tuple: nothing of the application runs while it is read.
    is_made: bool,
    iterator: Guarded<Option<Py<PyAny>>>,
    is_closed: AtomicBool,
}

impl Body {
    pub(super) fn new(request: Bound<'_, ServerRequest>, body: Bound<'_, PyAny>) -> Self {
        Self {
            request: request.unbind(),
            is_made: body.is_exact_instance_of::<PyList>()
                || body.is_exact_instance_of::<PyTuple>(),
            body: body.unbind(),
            iterator: Guarded::new(None),
            is_closed: AtomicBool::new(false),
        }
    }

    // Runs a part of the application inside the span; what it raises ends the request.
    fn inside<'py>(
        &self,
        py: Python<'py>,
        part: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if self.is_made {
            return part();
        }
        let request = self.request.get();
        let token = request.enter(py)?;
        let result = part();
        request.leave(py, &token);
        if let Err(error) = &result
            && !error.is_instance_of::<PyStopIteration>(py)
        {
            hook::harmless(py, request.fail(py, error))?;
            request.finish_harmlessly(py)?;
        }
        result
    }

    fn iterator<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(iterator) = &*self.iterator.lock(py) {
            return Ok(iterator.bind(py).clone());
        }
        let made = self.inside(py, || Ok(self.body.bind(py).try_iter()?.into_any()))?;
        let replaced = self.iterator.lock(py).replace(made.clone().unbind());
        drop(replaced);
        Ok(made)
    }
}

#[pymethods]
impl Body {
    fn __iter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().iterator(slf.py())?;
        Ok(slf)
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let iterator = self.iterator(py)?;
        let mut has_more = true;
        let part = self.inside(py, || {
            let next = iterator.cast::<pyo3::types::PyIterator>()?.clone().next();
            match next {
                Some(part) => part,
                None => {
                    has_more = false;
                    Ok(py.None().into_bound(py))
                }
            }
        })?;
        if has_more {
            return Ok(Some(part));
        }
        // Not every server closes what it has come to the end of.
        self.close(py)?;
        Ok(None)
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.body.bind(py).len()
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        self.body.bind(py).is_truthy()
    }

    /// Closes the application's body, and ends the request.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_closed.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let body = self.body.bind(py);
        let close = match self.is_made {
            true => None,
            false => body.getattr_opt(intern!(py, "close"))?,
        };
        let closed = match close {
            Some(close) => self.inside(py, || close.call0()).map(drop),
            None => Ok(()),
        };
        self.request.get().finish_harmlessly(py)?;
        closed
    }

    /// Everything else of the body, as it is.
    fn __getattr__<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.body.bind(py).getattr(name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.request)?;
        visit.call(&self.body)?;
        match self.iterator.peek(&visit) {
            Some(iterator) => visit.call(&*iterator),
            None => Ok(()),
        }
    }
}
