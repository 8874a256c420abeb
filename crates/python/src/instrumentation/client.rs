//! `HttpClient`: what all requests that an instrumented client makes share, and how one begins.

use std::borrow::Cow;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::instrumentation::names::client::{
    COUNT, HOST, METHOD, METHOD_ORIGINAL, NAMES, ON_SPAN, PEER_ADDRESS, PEER_NAME, PEER_ON_SPAN,
    PEER_PORT, PORT, SCHEME, SERVER_ON_SPAN, SYNTHETIC, URL, USER_AGENT,
};
use telemetry::instrumentation::{method, url, user_agent};

use super::any_instrument::AnyInstrument;
use super::any_span::{AnySpan, AnyTracer, CLIENT, Start};
use super::client_call::ClientCall;
use super::facts::{Conventions, FactKeys, Facts, present};
use super::hook;
use super::suppression::is_http_suppressed;
use crate::propagation::carrier::CarrierTarget;

/// The facts of one request.
pub(super) type ClientFacts = Facts<COUNT>;

/// One for each client or library that is instrumented.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct HttpClient {
    tracer: AnyTracer,
    pub(super) keys: FactKeys,
    pub(super) duration_old: Option<AnyInstrument>,
    pub(super) duration_new: Option<AnyInstrument>,
    pub(super) request_size_old: Option<AnyInstrument>,
    pub(super) request_size_new: Option<AnyInstrument>,
    pub(super) response_size_old: Option<AnyInstrument>,
    pub(super) response_size_new: Option<AnyInstrument>,
    /// Whether a URL is excluded; `None` where none is.
    is_excluded: Option<Py<PyAny>>,
    /// Whether methods that nobody knows are recorded as they are.
    captures_all_methods: bool,
    /// Whether the clients below this one have nothing to say while it is at work.
    pub(super) suppresses: bool,
    /// Whether the old duration has the scheme.
    measures_scheme: bool,
    /// Whether the class of an exception alone describes the status.
    pub(super) describes_by_type: bool,
    header_layout: Option<HeaderLayout>,
}

/// The server that a client speaks to, where that is not what the URL says.
#[derive(FromPyObject)]
pub(super) struct Server<'py>(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// How a library keeps the headers of a request, where that is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HeaderLayout {
    /// Pairs of a name and a value by the name in lower case.
    LowerCased,
    /// A list of names, names in lower case and values, all of them bytes.
    Triples,
}

impl HeaderLayout {
    fn of(name: &str) -> PyResult<Self> {
        match name {
            "lower-cased" => Ok(Self::LowerCased),
            "triples" => Ok(Self::Triples),
            _ => Err(PyValueError::new_err("header_layout")),
        }
    }

    /// What is injected into natively, if it is what it has to be.
    fn target<'a, 'py>(self, inside: &'a Bound<'py, PyAny>) -> Option<CarrierTarget<'a, 'py>> {
        match self {
            Self::LowerCased => inside
                .is_instance_of::<PyDict>()
                .then_some(CarrierTarget::LowerCased(inside)),
            Self::Triples => {
                let list = inside.cast_exact::<PyList>().ok()?;
                Some(CarrierTarget::Triples(list))
            }
        }
    }
}

impl HttpClient {
    fn begin_call<'py>(
        slf: &Bound<'py, Self>,
        given: &Bound<'py, PyAny>,
        target: &Bound<'py, PyAny>,
        agent: Option<Bound<'py, PyAny>>,
        server: Option<Server<'py>>,
    ) -> PyResult<Option<ClientCall>> {
        match Self::begin_span(slf, given, target, agent, server)? {
            Some((span, facts)) => ClientCall::start(slf, span, facts).map(Some),
            None => Ok(None),
        }
    }

    fn begin_span<'py>(
        slf: &Bound<'py, Self>,
        given: &Bound<'py, PyAny>,
        target: &Bound<'py, PyAny>,
        agent: Option<Bound<'py, PyAny>>,
        server: Option<Server<'py>>,
    ) -> PyResult<Option<(AnySpan, ClientFacts)>> {
        let py = slf.py();
        let client = slf.get();
        if is_http_suppressed(py)? {
            return Ok(None);
        }
        let mut facts = ClientFacts::new();
        let name = put_method(&mut facts, given, client.captures_all_methods)?;
        let (target, server) = match target.cast::<PyTuple>() {
            Ok(parts) => {
                let (text, server) = joined(parts)?;
                (text, Some(server))
            }
            Err(_) => (target.clone(), server),
        };
        if let Some(is_excluded) = &client.is_excluded
            && let Some(answer) = hook::call(is_excluded.bind(py), (&target,))?
            && answer.is_truthy()?
        {
            return Ok(None);
        }
        put_url(&mut facts, &target, server);
        if !client.measures_scheme {
            facts.remove(SCHEME);
        }
        if let Some(agent) = agent {
            put_user_agent(&mut facts, agent)?;
        }
        let start = Start {
            name,
            kind: CLIENT,
            context: None,
        };
        let span = client.tracer.start(py, start, &facts, &client.keys)?;
        Ok(Some((span, facts)))
    }
}

/// The text of a URL that a library keeps as scheme, user, host, port, path, query and fragment, each as it
/// is written; and its server.
fn joined<'py>(parts: &Bound<'py, PyTuple>) -> PyResult<(Bound<'py, PyAny>, Server<'py>)> {
    let py = parts.py();
    let part = |place: usize| -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(Some(parts.get_item(place)?).filter(|part| !part.is_none()))
    };
    let text_of = |place: usize| -> PyResult<Option<Bound<'py, PyString>>> {
        match part(place)? {
            Some(part) => Ok(Some(part.cast_into::<PyString>()?)),
            None => Ok(None),
        }
    };
    let mut url = String::with_capacity(128);
    let mut put = |before: &str, part: &Bound<'_, PyString>, after: &str| -> PyResult<()> {
        url.extend([before, part.to_str()?, after]);
        Ok(())
    };
    let (Some(scheme), Some(host)) = (text_of(0)?, text_of(2)?) else {
        return Err(PyValueError::new_err("a URL without scheme or host"));
    };
    put("", &scheme, "://")?;
    if let Some(user) = text_of(1)?
        && !user.is_empty()?
    {
        put("", &user, "@")?;
    }
    match host.to_str()?.contains(':') {
        true => put("[", &host, "]")?,
        false => put("", &host, "")?,
    }
    let port = part(3)?;
    if let Some(port) = &port {
        put(":", &port.str()?, "")?;
    }
    for (before, place) in [("", 4), ("?", 5), ("#", 6)] {
        if let Some(part) = text_of(place)? {
            put(before, &part, "")?;
        }
    }
    let port = port.unwrap_or_else(|| py.None().into_bound(py));
    let server = Server(scheme.into_any(), host.into_any(), port);
    Ok((PyString::new(py, &url).into_any(), server))
}

/// The method; gives the name of the span.
fn put_method<'py>(
    facts: &mut ClientFacts,
    given: &Bound<'py, PyAny>,
    captures_all_methods: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = given.py();
    let original = match given.cast::<PyBytes>() {
        Ok(bytes) => String::from_utf8_lossy(bytes.as_bytes()),
        Err(_) => match given.cast::<PyString>() {
            Ok(text) => text.to_string_lossy(),
            Err(_) => Cow::Borrowed(""),
        },
    };
    let original = original.trim();
    let normalised: Cow<'_, str> = match method::known(original) {
        Some(known) => Cow::Borrowed(known),
        None if captures_all_methods => Cow::Owned(original.to_uppercase()),
        None => Cow::Borrowed(method::OTHER),
    };
    let is_same = original == normalised;
    if !is_same && !original.is_empty() {
        facts.set(METHOD_ORIGINAL, PyString::new(py, original).into_any());
    }
    let method = match given.cast_exact::<PyString>() {
        // Most write it as it is said.
        Ok(text) if text.to_str().is_ok_and(|text| text == normalised) => given.clone(),
        _ => PyString::intern(py, &normalised).into_any(),
    };
    let is_known = normalised != method::OTHER;
    facts.set_present(METHOD, Some(method.clone()));
    // A method that nobody knows tells nothing about the request.
    Ok(match is_known {
        true => method,
        false => intern!(py, "HTTP").clone().into_any(),
    })
}

fn put_url<'py>(facts: &mut ClientFacts, target: &Bound<'py, PyAny>, server: Option<Server<'py>>) {
    let py = target.py();
    let Ok(text) = target.cast::<PyString>() else {
        return;
    };
    let text = text.to_string_lossy();
    match url::redact(&text) {
        Some(redacted) => facts.set(URL, PyString::new(py, &redacted).into_any()),
        None => facts.set_present(URL, Some(target.clone())),
    }
    let (scheme, host, port) = match server {
        Some(Server(scheme, host, port)) => (present(scheme), present(host), present(port)),
        None => {
            let origin = url::origin(&text);
            let text = |text: &str| match text {
                "" => None,
                "http" => Some(intern!(py, "http").clone().into_any()),
                "https" => Some(intern!(py, "https").clone().into_any()),
                other => Some(PyString::new(py, other).into_any()),
            };
            let port = origin.port.filter(|port| *port != 0);
            let port = port.and_then(|port| port.into_pyobject(py).ok());
            (
                text(&origin.scheme),
                text(&origin.host),
                port.map(Bound::into_any),
            )
        }
    };
    let found = [
        (SCHEME, &scheme),
        (PEER_NAME, &host),
        (PEER_ADDRESS, &host),
        (HOST, &host),
        (PORT, &port),
        (PEER_PORT, &port),
    ];
    for (fact, value) in found {
        if let Some(value) = value {
            facts.set(fact, value.clone());
        }
    }
}

fn put_user_agent<'py>(facts: &mut ClientFacts, value: Bound<'py, PyAny>) -> PyResult<()> {
    let py = value.py();
    let text = if let Ok(text) = value.cast::<PyString>() {
        text.clone()
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        let text: String = bytes.as_bytes().iter().copied().map(char::from).collect();
        PyString::new(py, &text)
    } else if value.is_none() {
        return Ok(());
    } else {
        value.str()?
    };
    if let Some(kind) = user_agent::synthetic_type(&text.to_string_lossy()) {
        facts.set(SYNTHETIC, PyString::intern(py, kind).into_any());
    }
    facts.set_present(USER_AGENT, Some(text.into_any()));
    Ok(())
}

#[pymethods]
impl HttpClient {
    /// With `server_on_span` and `peer_on_span`, spans of the new conventions say these too.
    #[new]
    #[pyo3(signature = (tracer, *, old, new, duration_old, duration_new, request_size_old=None,
        request_size_new=None, response_size_old=None, response_size_new=None, is_excluded=None,
        captures_all_methods=false, suppresses=false, server_on_span=true, peer_on_span=false,
        measures_scheme=true, describes_by_type=false, header_layout=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords, all of them")]
    fn new(
        py: Python<'_>,
        tracer: Py<PyAny>,
        old: bool,
        new: bool,
        duration_old: &Bound<'_, PyAny>,
        duration_new: &Bound<'_, PyAny>,
        request_size_old: Option<&Bound<'_, PyAny>>,
        request_size_new: Option<&Bound<'_, PyAny>>,
        response_size_old: Option<&Bound<'_, PyAny>>,
        response_size_new: Option<&Bound<'_, PyAny>>,
        is_excluded: Option<Py<PyAny>>,
        captures_all_methods: bool,
        suppresses: bool,
        server_on_span: bool,
        peer_on_span: bool,
        measures_scheme: bool,
        describes_by_type: bool,
        header_layout: Option<&str>,
    ) -> PyResult<Self> {
        let mut on_span = ON_SPAN;
        if new && server_on_span {
            on_span = on_span.and(SERVER_ON_SPAN);
        }
        if new && peer_on_span {
            on_span = on_span.and(PEER_ON_SPAN);
        }
        let keys = FactKeys::new(py, &NAMES, Conventions { old, new });
        Ok(Self {
            tracer: AnyTracer::new(tracer),
            keys: keys.on_span(on_span),
            duration_old: AnyInstrument::new(duration_old),
            duration_new: AnyInstrument::new(duration_new),
            request_size_old: request_size_old.and_then(AnyInstrument::new),
            request_size_new: request_size_new.and_then(AnyInstrument::new),
            response_size_old: response_size_old.and_then(AnyInstrument::new),
            response_size_new: response_size_new.and_then(AnyInstrument::new),
            is_excluded,
            captures_all_methods,
            suppresses,
            measures_scheme,
            describes_by_type,
            header_layout: header_layout.map(HeaderLayout::of).transpose()?,
        })
    }

    /// Begins a request, whose span is current until it is finished; None where nothing is to be
    /// recorded. `server` is its scheme, host and port, where they are not those of the URL.
    #[pyo3(signature = (method, url, user_agent=None, server=None))]
    fn begin<'py>(
        slf: &Bound<'py, Self>,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        user_agent: Option<Bound<'py, PyAny>>,
        server: Option<Server<'py>>,
    ) -> PyResult<Option<ClientCall>> {
        let begun = Self::begin_call(slf, method, url, user_agent, server);
        Ok(hook::harmless(slf.py(), begun)?.flatten())
    }

    /// Begins a request that is sent at once: `begin` and `sends` in one. The URL may be its parts.
    /// `inside` is what `headers` keep their fields in, if that is of the layout that was named.
    #[pyo3(signature = (method, url, headers, inside=None, user_agent=None, server=None))]
    pub(super) fn send<'py>(
        slf: &Bound<'py, Self>,
        method: &Bound<'py, PyAny>,
        url: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        inside: Option<&Bound<'py, PyAny>>,
        user_agent: Option<Bound<'py, PyAny>>,
        server: Option<Server<'py>>,
    ) -> PyResult<Option<ClientCall>> {
        let begin = || -> PyResult<Option<ClientCall>> {
            let Some((span, facts)) = Self::begin_span(slf, method, url, user_agent, server)?
            else {
                return Ok(None);
            };
            let layout = slf.get().header_layout;
            let inside = inside.and_then(|inside| layout?.target(inside));
            let target = inside.unwrap_or_else(|| CarrierTarget::of(headers));
            ClientCall::send_at_once(slf, span, facts, headers, &target).map(Some)
        };
        Ok(hook::harmless(slf.py(), begin())?.flatten())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.tracer.traverse(&visit)?;
        let instruments = [
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
        visit.call(&self.is_excluded)
    }
}
