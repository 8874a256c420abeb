//! What the environment of a WSGI request (PEP 3333) says of it.

use std::borrow::Cow;

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString};
use telemetry::instrumentation::names::server;
use telemetry::instrumentation::{method, url, user_agent};

use super::facts::Conventions;
use super::incoming::Incoming;
use super::server::{HttpServer, ServerFacts};
use crate::imports::watch::own_first;
use crate::propagation::carrier::CarrierSource;
use crate::propagation::composite::CompositePropagator;
use crate::threads::interruption::Settled;

/// A request as its environment describes it.
pub(super) struct Described<'py> {
    pub(super) name: Bound<'py, PyAny>,
    pub(super) facts: ServerFacts,
}

impl<'py> Described<'py> {
    /// Names the request after its route, of which there are fewer than of paths.
    pub(super) fn set_route(&mut self, route: Bound<'py, PyAny>) -> PyResult<()> {
        let method = self.facts.get(route.py(), server::METHOD);
        self.name = name_of_route(method, &route)?.into_any();
        self.facts.set(server::ROUTE, route);
        Ok(())
    }
}

/// The name of a request's span by its method and its route.
pub(super) fn name_of_route<'py>(
    method: Option<&Bound<'py, PyAny>>,
    route: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyString>> {
    let method = method.and_then(text);
    let method = match method.as_deref() {
        None | Some(method::OTHER) => "HTTP",
        Some(known) => known,
    };
    let py = route.py();
    let route = route.str()?;
    let route = route.to_string_lossy();
    let mut name = String::with_capacity(method.len() + 1 + route.len());
    name.push_str(method);
    name.push(' ');
    name.push_str(&route);
    Ok(PyString::new(py, &name))
}

pub(super) fn text<'a>(value: &'a Bound<'_, PyAny>) -> Option<Cow<'a, str>> {
    let text = value.cast::<PyString>().ok()?;
    Some(text.to_string_lossy())
}

/// What is wanted of a request.
pub(super) struct Wanted {
    pub(super) conventions: Conventions,
    pub(super) all_methods: bool,
    /// Else the facts of metrics are enough.
    pub(super) is_recorded: bool,
    /// Whether its name is to have the path.
    pub(super) is_named: bool,
}

/// The name of the span, by method and path, and the facts.
pub(super) fn describe<'py>(
    environ: &Bound<'py, PyDict>,
    wanted: &Wanted,
) -> PyResult<Described<'py>> {
    let Wanted {
        conventions,
        is_recorded,
        ..
    } = *wanted;
    let py = environ.py();
    let mut facts = ServerFacts::new();
    let get = |key: &Bound<'py, PyString>| environ.get_item(key);

    let path = match is_recorded {
        true => get(intern!(py, "PATH_INFO"))?,
        false => None,
    };
    let given = get(intern!(py, "REQUEST_METHOD"))?;
    let named_path = path.as_ref().filter(|_| wanted.is_named);
    let name = put_method(py, &mut facts, given, named_path, wanted.all_methods)?;
    facts.set_present(server::SERVER_NAME, get(intern!(py, "SERVER_NAME"))?);
    facts.set_present(server::SCHEME, get(intern!(py, "wsgi.url_scheme"))?);
    if let Some(host) = get(intern!(py, "HTTP_HOST"))? {
        if conventions.new && is_recorded {
            put_address(&mut facts, &host)?;
        }
        facts.set_present(server::HOST_NAME, Some(host.clone()));
        facts.set_present(server::HOST, Some(host));
    }
    put_number(&mut facts, server::PORT, get(intern!(py, "SERVER_PORT"))?)?;
    put_version(&mut facts, get(intern!(py, "SERVER_PROTOCOL"))?);
    if !is_recorded {
        return Ok(Described { name, facts });
    }

    let target = match get(intern!(py, "RAW_URI"))? {
        Some(target) if !target.is_none() => Some(target),
        _ => get(intern!(py, "REQUEST_URI"))?,
    };
    let mut raw = None;
    match target.filter(|target| target.is_truthy().settled(target.py()).unwrap_or(false)) {
        Some(target) => {
            if conventions.new {
                raw = raw_path(&target);
            }
            facts.set(server::TARGET, redacted(target, url::redact));
        }
        None => {
            let whole = py
                .import(intern!(py, "wsgiref.util"))?
                .call_method1(intern!(py, "request_uri"), (environ,));
            // An environment that lacks what PEP 3333 wants has no URL.
            if let Ok(whole) = whole {
                raw = raw_path(&whole);
                if conventions.old {
                    facts.set_present(server::URL, Some(redacted(whole, url::redact)));
                }
            }
        }
    }
    if conventions.new {
        facts.set_present(server::PATH, raw.or(path));
        let query = get(intern!(py, "QUERY_STRING"))?;
        let query = query.map(|query| redacted(query, url::redact_query));
        facts.set_present(server::QUERY, query);
    }

    let address = get(intern!(py, "REMOTE_ADDR"))?;
    let host = get(intern!(py, "REMOTE_HOST"))?;
    if let Some(host) = host
        && !address
            .as_ref()
            .is_some_and(|address| host.eq(address).settled(host.py()).unwrap_or(false))
    {
        facts.set_present(server::PEER_NAME, Some(host));
    }
    facts.set_present(server::PEER_ADDRESS, address);
    put_number(
        &mut facts,
        server::PEER_PORT,
        get(intern!(py, "REMOTE_PORT"))?,
    )?;
    put_user_agent(&mut facts, get(intern!(py, "HTTP_USER_AGENT"))?)?;
    Ok(Described { name, facts })
}

/// The address and the port of a `Host` header that has both, which the new conventions tell apart.
fn put_address(facts: &mut ServerFacts, host: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = host.py();
    let Some(text) = text(host) else {
        return Ok(());
    };
    let (address, port) = url::split_host(&text);
    if address.len() != text.len() && !address.is_empty() {
        facts.set(server::ADDRESS, PyString::new(py, address).into_any());
    }
    if let Some(port) = port {
        let port = port.into_pyobject(py)?.into_any();
        facts.set(server::ADDRESS_PORT, port);
    }
    Ok(())
}

/// The path in a request target, percent-encoded as it was sent.
pub(super) fn raw_path<'py>(target: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let text = text(target)?;
    let path = url::path_of_target(&text)?;
    Some(PyString::new(target.py(), path).into_any())
}

/// The method; gives the name of the span.
pub(super) fn put_method<'py>(
    py: Python<'py>,
    facts: &mut ServerFacts,
    given: Option<Bound<'py, PyAny>>,
    path: Option<&Bound<'py, PyAny>>,
    captures_all_methods: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let empty = || PyString::new(py, "").into_any();
    let given = given.filter(|given| given.is_instance_of::<PyString>());
    let given = given.unwrap_or_else(empty);
    let original = text(&given).unwrap_or_default();
    let normalised: Cow<'_, str> = match method::known(&original) {
        Some(known) => Cow::Borrowed(known),
        None if captures_all_methods => Cow::Owned(original.to_uppercase().trim().to_owned()),
        None => Cow::Borrowed(method::OTHER),
    };
    let original = original.trim();
    let same = original == normalised;
    if !same && !original.is_empty() {
        let original = PyString::new(py, original).into_any();
        facts.set(server::METHOD_ORIGINAL, original);
    }
    let method = if same {
        given.clone()
    } else {
        PyString::new(py, &normalised).into_any()
    };
    facts.set_present(server::METHOD, Some(method.clone()));
    // A method that nobody knows tells nothing about the request.
    if normalised == method::OTHER && !captures_all_methods {
        return Ok(PyString::intern(py, "HTTP").into_any());
    }
    let path = path.and_then(text).unwrap_or_default();
    let path = path.trim();
    if path.is_empty() || normalised.is_empty() {
        return Ok(method);
    }
    let mut name = String::with_capacity(normalised.len() + 1 + path.len());
    name.push_str(&normalised);
    name.push(' ');
    name.push_str(path);
    Ok(PyString::new(py, &name).into_any())
}

pub(super) fn redacted<'py>(
    value: Bound<'py, PyAny>,
    redact: fn(&str) -> Option<String>,
) -> Bound<'py, PyAny> {
    match text(&value).and_then(|text| redact(&text)) {
        Some(redacted) => PyString::new(value.py(), &redacted).into_any(),
        None => value,
    }
}

/// A number, given as one or as text; what is neither, or zero, is left out.
pub(super) fn put_number(
    facts: &mut ServerFacts,
    fact: usize,
    value: Option<Bound<'_, PyAny>>,
) -> PyResult<()> {
    let Some(value) = value else { return Ok(()) };
    if value.is_exact_instance_of::<PyInt>() {
        facts.set_present(fact, Some(value));
        return Ok(());
    }
    let number = match text(&value) {
        Some(text) => text.trim().parse::<i64>().ok(),
        None => value.extract::<i64>().settled(value.py()),
    };
    if let Some(number) = number.filter(|number| *number != 0) {
        facts.set(fact, number.into_pyobject(value.py())?.into_any());
    }
    Ok(())
}

pub(super) fn put_user_agent(
    facts: &mut ServerFacts,
    value: Option<Bound<'_, PyAny>>,
) -> PyResult<()> {
    let Some(value) = value else { return Ok(()) };
    let py = value.py();
    let value = if value.is_instance_of::<PyString>() {
        value
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        let text: String = bytes.as_bytes().iter().copied().map(char::from).collect();
        PyString::new(py, &text).into_any()
    } else if value.is_truthy()? {
        value.str()?.into_any()
    } else {
        return Ok(());
    };
    if let Some(kind) = text(&value).and_then(|text| user_agent::synthetic_type(&text)) {
        facts.set(server::SYNTHETIC, PyString::intern(py, kind).into_any());
    }
    facts.set_present(server::USER_AGENT, Some(value));
    Ok(())
}

// `HTTP/1.1` is version 1.1.
fn put_version(facts: &mut ServerFacts, value: Option<Bound<'_, PyAny>>) {
    let Some(value) = value else { return };
    let py = value.py();
    let version = text(&value).map(|text| match text.get(..5) {
        _ if text == "HTTP/1.1" => intern!(py, "1.1").clone(),
        Some(prefix) if prefix.eq_ignore_ascii_case("HTTP/") => {
            PyString::intern(py, text.get(5..).unwrap_or_default())
        }
        _ => PyString::new(py, &text),
    });
    facts.set_present(server::PROTOCOL_VERSION, version.map(Bound::into_any));
}

/// The context that the headers of the request hold.
pub(super) fn extract<'py>(
    server: &HttpServer,
    environ: &Bound<'py, PyDict>,
) -> PyResult<Incoming<'py>> {
    let source = CarrierSource::Environ(environ);
    extract_from(server, Some(&source), environ.as_any())
}

/// The context in `carrier`, by the global propagator: natively from `source` where it is ours.
pub(super) fn extract_from<'py>(
    server: &HttpServer,
    source: Option<&CarrierSource<'_, 'py>>,
    carrier: &Bound<'py, PyAny>,
) -> PyResult<Incoming<'py>> {
    let py = carrier.py();
    let getter = server.getter.bind(py);
    static API: Once<Py<PyModule>> = Once::new();
    let api = API.get_or_try_init(py, || {
        py.import("opentelemetry.propagate").map(Bound::unbind)
    })?;
    let api = api.bind(py);
    let propagator = own_first(api, intern!(py, "_HTTP_TEXT_FORMAT"))?;
    if let Some(source) = source
        && let Some(composite) = CompositePropagator::standing_in(&propagator)?
    {
        let composite = composite.get();
        let (context, span) = composite.extract_parts(py, source, carrier, Some(getter))?;
        return Ok(Incoming::new(context, span));
    }
    let options = PyDict::new(py);
    options.set_item(intern!(py, "getter"), getter)?;
    let name = intern!(py, "extract");
    let context = api.call_method(name, (carrier,), Some(&options))?;
    // A composite of nothing gives None.
    let context = Some(context).filter(|context| !context.is_none());
    Ok(Incoming::new(context, None))
}
