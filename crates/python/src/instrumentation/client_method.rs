//! `ClientMethod`: a descriptor in the place of a method that sends a request and gives its answer.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::client::HttpClient;
use super::client_call::ClientCall;
use super::hook;
use super::method::{self, Arguments, Entry, Method};
use crate::threads::guarded::Guarded;

/// Is called with a client, a request and options, as a function in a class is. What it cannot read as
/// `layout` says is left to `traced`, a function that is called with the original and the arguments.
#[pyclass(frozen, dict, weakref, module = "oxitel._native")]
pub(crate) struct ClientMethod {
    original: Py<PyAny>,
    traced: Py<PyAny>,
    /// Notes an exception: is called with the call, the request and the exception.
    failed: Option<Py<PyAny>>,
    /// The attribute with a client's own instrumentation, and what is there where it has none.
    slot: Option<(Py<PyString>, Py<PyAny>)>,
    layout: Layout,
    state: Guarded<State>,
    entry: Entry,
}

struct State {
    is_on: bool,
    /// Records the requests of clients without an instrumentation of their own.
    client: Option<Py<HttpClient>>,
}

/// What a library's requests and answers are, and the names of attributes with what is read of them.
struct Layout {
    request: Py<PyType>,
    /// The class of URLs that keep their parts in an attribute, and its name; else they are texts.
    url: Option<(Py<PyType>, Py<PyString>)>,
    headers: Py<PyType>,
    /// What these keep their fields in.
    fields: Py<PyString>,
    /// The encoding of the headers, where the fields are bytes.
    encoding: Option<Py<PyString>>,
    reads_user_agent: bool,
    status: Py<PyString>,
    /// The version: an attribute, and in it the name of a number or the key of a text.
    version: (Py<PyString>, Py<PyString>),
}

/// A request as native code can record it.
struct Request<'py> {
    method: Bound<'py, PyAny>,
    url: Bound<'py, PyAny>,
    headers: Bound<'py, PyAny>,
    fields: Bound<'py, PyAny>,
    user_agent: Option<Bound<'py, PyAny>>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart at once, and most are the largest"
)]
enum Begun<'py> {
    Recorded(ClientCall, Bound<'py, PyAny>),
    /// Nothing is to be recorded.
    Plain,
    Unknown,
}

impl ClientMethod {
    fn begin<'py>(&self, arguments: &Arguments<'_, 'py>) -> PyResult<Begun<'py>> {
        let py = arguments.py();
        let (Some(instance), Some(request)) = (arguments.get(0), arguments.get(1)) else {
            return Ok(Begun::Unknown);
        };
        let state = self.state.lock(py);
        if !state.is_on {
            return Ok(Begun::Unknown);
        }
        let for_all = state.client.as_ref().map(|client| client.bind(py).clone());
        drop(state);
        let client = match self.own(&instance)? {
            None => for_all,
            Some(own) if own.is_none() => None,
            Some(own) => {
                let at_once = own.getattr(intern!(py, "at_once"))?;
                match at_once.cast_into::<HttpClient>() {
                    Ok(client) => Some(client),
                    Err(_) => return Ok(Begun::Unknown),
                }
            }
        };
        let Some(client) = client else {
            return Ok(Begun::Plain);
        };
        let Some(read) = self.layout.read(&request)? else {
            return Ok(Begun::Unknown);
        };
        let Request {
            method,
            url,
            headers,
            fields,
            user_agent,
        } = read;
        let fields = Some(&fields);
        let call = HttpClient::send(&client, &method, &url, &headers, fields, user_agent, None)?;
        Ok(match call {
            Some(call) => Begun::Recorded(call, request.to_owned()),
            None => Begun::Plain,
        })
    }

    /// The instrumentation of a client's own.
    fn own<'py>(&self, client: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some((slot, none)) = &self.slot else {
            return Ok(None);
        };
        // Not by its `__dict__`: from when that was asked for, the interpreter reads all its attributes slower.
        Ok(client.getattr_opt(slot)?.filter(|own| !own.is(none)))
    }

    fn fail<'py>(
        &self,
        call: ClientCall,
        request: Bound<'py, PyAny>,
        error: &PyErr,
    ) -> PyResult<()> {
        let py = request.py();
        let error = error.value(py).as_any();
        let Some(failed) = &self.failed else {
            call.failed(error)?;
            return call.finish(py);
        };
        let call = Bound::new(py, call)?;
        hook::call(failed.bind(py), (&call, request, error))?;
        call.get().finish(py)
    }
}

impl Method for ClientMethod {
    fn original(&self) -> &Py<PyAny> {
        &self.original
    }

    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn called<'py>(&self, arguments: &Arguments<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        let py = arguments.py();
        let original = self.original.bind(py);
        let begun = hook::harmless(py, self.begin(arguments))?;
        let (call, request) = match begun.unwrap_or(Begun::Plain) {
            Begun::Recorded(call, request) => (call, request),
            Begun::Plain => return arguments.call(original),
            Begun::Unknown => return arguments.call_after(original, self.traced.bind(py)),
        };
        let result = arguments.call(original);
        match &result {
            Ok(answer) => {
                hook::harmless(py, self.complete(&call, answer))?;
                call.finish(py)?;
            }
            Err(error) => self.fail(call, request, error)?,
        }
        result
    }
}

impl Layout {
    fn of(given: &Bound<'_, PyDict>) -> PyResult<Self> {
        let get = |name: &str| given.as_any().get_item(name);
        Ok(Self {
            request: get("request")?.extract()?,
            url: get("url")?.extract()?,
            headers: get("headers")?.extract()?,
            fields: get("fields")?.extract()?,
            encoding: get("encoding")?.extract()?,
            reads_user_agent: get("reads_user_agent")?.extract()?,
            status: get("status")?.extract()?,
            version: get("version")?.extract()?,
        })
    }

    fn read<'py>(&self, request: &Bound<'py, PyAny>) -> PyResult<Option<Request<'py>>> {
        let py = request.py();
        if !request.get_type().is(&self.request) {
            return Ok(None);
        }
        let headers = request.getattr(intern!(py, "headers"))?;
        if !headers.get_type().is(&self.headers) {
            return Ok(None);
        }
        if let Some(encoding) = &self.encoding {
            let encoding = headers.getattr(encoding)?;
            let is_like_ascii = match encoding.cast::<PyString>() {
                Ok(encoding) => encoding == "ascii" || encoding == "utf-8",
                Err(_) => encoding.is_none(),
            };
            if !is_like_ascii {
                return Ok(None);
            }
        }
        let fields = headers.getattr(&self.fields)?;
        let url = request.getattr(intern!(py, "url"))?;
        let url = match &self.url {
            None => url,
            Some((class, _)) if !url.get_type().is(class) => return Ok(None),
            Some((_, parts)) => {
                let parts = url.getattr(parts)?.cast_into::<PyTuple>()?;
                if !is_absolute(&parts)? {
                    return Ok(None);
                }
                parts.into_any()
            }
        };
        let user_agent = match self.reads_user_agent {
            true => user_agent(&fields)?,
            false => None,
        };
        Ok(Some(Request {
            method: request.getattr(intern!(py, "method"))?,
            url,
            headers,
            fields,
            user_agent,
        }))
    }

    fn version<'py>(&self, answer: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = answer.py();
        let (outer, inner) = &self.version;
        let outer = answer.getattr(outer)?;
        let text = match outer.cast::<PyDict>() {
            Ok(extensions) => match extensions.get_item(inner)? {
                None => intern!(py, "1.1").clone(),
                Some(version) => match version.cast::<PyBytes>()?.as_bytes() {
                    b"HTTP/1.1" => intern!(py, "1.1").clone(),
                    b"HTTP/2" => intern!(py, "2").clone(),
                    other => {
                        let text = String::from_utf8_lossy(other);
                        PyString::new(py, text.strip_prefix("HTTP/").unwrap_or(&text))
                    }
                },
            },
            Err(_) => match outer.getattr_opt(inner)? {
                Some(version) if version.is_truthy()? => match version.extract::<i64>() {
                    Ok(11) => intern!(py, "1.1").clone(),
                    _ => intern!(py, "1.0").clone(),
                },
                _ => return Ok(None),
            },
        };
        Ok(Some(text.into_any()))
    }
}

/// Whether native code can put a URL together of these parts.
fn is_absolute(parts: &Bound<'_, PyTuple>) -> PyResult<bool> {
    let scheme = parts.get_borrowed_item(0)?;
    let host = parts.get_borrowed_item(2)?;
    let Ok(host) = host.cast::<PyString>() else {
        return Ok(false);
    };
    // Shown in letters, which are kept elsewhere.
    let host = host.to_str()?;
    Ok(scheme.is_truthy()? && !host.is_empty() && !host.contains("xn--"))
}

/// The user agent among pairs of a name and a value by the name in lower case.
fn user_agent<'py>(fields: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Ok(fields) = fields.cast::<PyDict>() else {
        return Ok(None);
    };
    match fields.get_item(intern!(fields.py(), "user-agent"))? {
        Some(pair) => Ok(Some(pair.cast::<PyTuple>()?.get_item(1)?)),
        None => Ok(None),
    }
}

#[pymethods]
impl ClientMethod {
    /// One that leaves all calls to `traced`, until it is switched on.
    #[staticmethod]
    #[pyo3(signature = (original, traced, layout, *, failed=None, slot=None))]
    fn around<'py>(
        py: Python<'py>,
        original: Py<PyAny>,
        traced: Py<PyAny>,
        layout: &Bound<'_, PyDict>,
        failed: Option<Py<PyAny>>,
        slot: Option<(Py<PyString>, Py<PyAny>)>,
    ) -> PyResult<Bound<'py, Self>> {
        let own = Self {
            original,
            traced,
            failed,
            slot,
            layout: Layout::of(layout)?,
            state: Guarded::new(State {
                is_on: false,
                client: None,
            }),
            entry: Entry::of::<Self>(),
        };
        method::new(py, own)
    }

    /// From now on, requests are recorded natively: by the instrumentation of the client's own, whose
    /// `at_once` is an `HttpClient`, else by `client`.
    #[pyo3(signature = (client=None))]
    fn switch_on(&self, py: Python<'_>, client: Option<Py<HttpClient>>) {
        self.switch(py, true, client);
    }

    /// From now on, all calls are left to `traced`.
    fn switch_off(&self, py: Python<'_>) {
        self.switch(py, false, None);
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        method::call(slf, arguments, keywords)
    }

    fn __get__<'py>(
        slf: Bound<'py, Self>,
        instance: Option<Bound<'py, PyAny>>,
        _owner: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        method::bound(slf.into_any(), instance)
    }

    /// That of the original: who looks for functions finds one, mocks for example.
    #[getter]
    fn __class__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.original.bind(py).getattr(intern!(py, "__class__"))
    }

    /// It is copied and pickled as a function is: by its name.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.original.bind(py).getattr(intern!(py, "__qualname__"))
    }

    fn __getattr__<'py>(&self, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        self.original.bind(name.py()).getattr(name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if !self.entry.is_made() {
            return Ok(());
        }
        visit.call(&self.original)?;
        visit.call(&self.traced)?;
        visit.call(&self.failed)?;
        if let Some((_, none)) = &self.slot {
            visit.call(none)?;
        }
        match self.state.peek(&visit) {
            Some(state) => visit.call(&state.client),
            None => Ok(()),
        }
    }
}

impl ClientMethod {
    /// There is an answer.
    fn complete(&self, call: &ClientCall, answer: &Bound<'_, PyAny>) -> PyResult<()> {
        let status = answer.getattr(&self.layout.status)?;
        let version = hook::harmless(answer.py(), self.layout.version(answer))?;
        call.answered(&status, version.flatten())
    }

    fn switch(&self, py: Python<'_>, is_on: bool, client: Option<Py<HttpClient>>) {
        let mut state = self.state.lock(py);
        state.is_on = is_on;
        let before = std::mem::replace(&mut state.client, client);
        drop(state);
        drop(before);
    }
}
