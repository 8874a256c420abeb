//! What the scope of an ASGI request (or of a websocket) says of it.

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};
use telemetry::instrumentation::names::server;
use telemetry::instrumentation::{method, url};
use telemetry::text::{Style, percent_decode};

use super::incoming::Incoming;
use super::server::{HttpServer, ServerFacts};
use super::wsgi_environ::{
    Wanted, put_method, put_number, put_user_agent, raw_path, redacted, text,
};
use crate::propagation::carrier::{CarrierSource, Field};
use crate::threads::guarded::Guarded;
use crate::threads::interruption::Settled;

/// A request as its scope describes it.
pub(super) struct Described<'py> {
    pub(super) name: Bound<'py, PyAny>,
    pub(super) facts: ServerFacts,
    pub(super) request_size: Option<u64>,
}

/// The headers that are asked for in one pass.
#[derive(Default)]
struct Headers<'py> {
    host: Option<Bound<'py, PyString>>,
    /// All of them with commas between, where there are several.
    all_hosts: Option<String>,
    user_agent: Option<Bound<'py, PyString>>,
    content_length: Option<u64>,
}

/// The text of a header's value: UTF-8, or whatever it may be.
fn header_text<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyString>> {
    if let Ok(text) = value.cast::<PyString>() {
        return Some(text.clone());
    }
    let py = value.py();
    if let Ok(bytes) = value.cast::<PyByteArray>() {
        return header_text(PyBytes::new(py, &bytes.to_vec()).as_any());
    }
    let bytes = value.cast::<PyBytes>().ok()?.as_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(PyString::new(py, text)),
        Err(_) => {
            let text: String = bytes.iter().copied().map(char::from).collect();
            Some(PyString::new(py, &text))
        }
    }
}

/// The same of the header `Host`, which nearly all requests to a server have in common: the text of the
/// last one is kept.
fn host_text<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyString>> {
    static LAST: Guarded<Option<(Py<PyBytes>, Py<PyString>)>> = Guarded::new(None);
    let Ok(bytes) = value.cast_exact::<PyBytes>() else {
        return header_text(value);
    };
    let py = value.py();
    if let Some((last, text)) = &*LAST.lock(py)
        && last.as_bytes(py) == bytes.as_bytes()
    {
        return Some(text.bind(py).clone());
    }
    let text = header_text(value)?;
    let seen = (bytes.clone().unbind(), text.clone().unbind());
    let replaced = LAST.lock(py).replace(seen);
    drop(replaced);
    Some(text)
}

fn is_empty(value: &Bound<'_, PyAny>) -> bool {
    value
        .len()
        .settled(value.py())
        .is_some_and(|length| length == 0)
}

fn bytes_of<'a>(value: &'a Bound<'_, PyAny>) -> Option<&'a [u8]> {
    match value.cast::<PyBytes>() {
        Ok(bytes) => Some(bytes.as_bytes()),
        Err(_) => Some(value.cast::<PyString>().ok()?.to_str().ok()?.as_bytes()),
    }
}

/// Gives the headers. Makes a list of those that come one by one, so that they can be read more than
/// once: an iterator would be empty for whoever comes after.
pub(super) fn settle_headers<'py>(
    message: &Bound<'py, PyDict>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = message.py();
    let key = intern!(py, "headers");
    match message.get_item(key)? {
        Some(headers)
            if !headers.is_none()
                && !headers.is_instance_of::<PyList>()
                && !headers.is_instance_of::<PyTuple>() =>
        {
            let list: Vec<_> = headers.try_iter()?.collect::<PyResult<_>>()?;
            let list = PyList::new(py, list)?.into_any();
            message.set_item(key, &list)?;
            Ok(Some(list))
        }
        headers => Ok(headers),
    }
}

/// Tells headers from others: by their items, since frameworks copy the list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct HeadersMark(usize);

impl HeadersMark {
    pub(super) fn of(headers: &Bound<'_, PyAny>) -> Self {
        let Ok(list) = headers.cast_exact::<PyList>() else {
            return Self(headers.as_ptr().addr());
        };
        let items = list.iter().map(|item| item.as_ptr().addr());
        Self(items.fold(1, |mark, item| mark.rotate_left(9) ^ item))
    }
}

/// Calls `visit` with the name and the value of each header.
fn for_each_header<'py>(
    headers: &Bound<'py, PyAny>,
    mut visit: impl FnMut(&[u8], &Bound<'py, PyAny>),
) -> PyResult<()> {
    let mut take = |pair: &Bound<'py, PyAny>| -> PyResult<()> {
        let (name, value) = match pair.cast::<PyTuple>() {
            Ok(pair) => (pair.get_item(0)?, pair.get_item(1)?),
            Err(_) => (pair.get_item(0)?, pair.get_item(1)?),
        };
        if let Some(name) = bytes_of(&name) {
            visit(name, &value);
        }
        Ok(())
    };
    if let Ok(list) = headers.cast::<PyList>() {
        return list.iter().try_for_each(|pair| take(&pair));
    }
    // An iterator would be empty for the application.
    if headers.is_instance_of::<PyTuple>() {
        return headers.try_iter()?.try_for_each(|pair| take(&pair?));
    }
    Ok(())
}

/// The headers of a request as most servers give them; `None` where they are something else than a list
/// of pairs with names in bytes.
pub(super) fn fields<'py>(headers: &Bound<'py, PyAny>) -> Option<Vec<Field<'py>>> {
    let list = headers.cast_exact::<PyList>().ok()?;
    let mut fields = Vec::with_capacity(list.len());
    for pair in list.iter() {
        fields.push(field(&pair)?);
    }
    Some(fields)
}

fn field<'py>(pair: &Bound<'py, PyAny>) -> Option<Field<'py>> {
    let pair = pair.cast_exact::<PyTuple>().ok()?;
    if pair.len() != 2 {
        return None;
    }
    let name = pair.get_item(0).ok()?.cast_into_exact::<PyBytes>().ok()?;
    Some((name, pair.get_item(1).ok()?))
}

fn read_headers<'py>(
    scope: &Bound<'py, PyDict>,
    fields: Option<&[Field<'py>]>,
    has_user_agent: bool,
) -> PyResult<Headers<'py>> {
    let mut found = Headers::default();
    let mut visit = |name: &[u8], value: &Bound<'py, PyAny>| match name.len() {
        4 if name.eq_ignore_ascii_case(b"host") => {
            let Some(host) = host_text(value) else {
                return;
            };
            let Some(first) = &found.host else {
                found.host = Some(host);
                return;
            };
            let before = found.all_hosts.take();
            let before = before.unwrap_or_else(|| first.to_string_lossy().into_owned());
            found.all_hosts = Some([&before, ",", &host.to_string_lossy()].concat());
        }
        10 if has_user_agent
            && found.user_agent.is_none()
            && name.eq_ignore_ascii_case(b"user-agent") =>
        {
            found.user_agent = header_text(value);
        }
        14 if name.eq_ignore_ascii_case(b"content-length") => {
            found.content_length = found.content_length.or_else(|| number_of(value));
        }
        _ => {}
    };
    match fields {
        Some(fields) => fields
            .iter()
            .for_each(|(name, value)| visit(name.as_bytes(), value)),
        None => {
            if let Some(headers) = scope.get_item(intern!(scope.py(), "headers"))? {
                for_each_header(&headers, visit)?;
            }
        }
    }
    Ok(found)
}

fn number_of(value: &Bound<'_, PyAny>) -> Option<u64> {
    std::str::from_utf8(bytes_of(value)?)
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// The number in the `Content-Length` of headers.
pub(super) fn content_length(headers: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    let mut found = None;
    for_each_header(headers, |name, value| {
        if name.len() == 14 && name.eq_ignore_ascii_case(b"content-length") {
            found = found.or_else(|| number_of(value));
        }
    })?;
    Ok(found)
}

/// The name of the span, by method and path, and the facts.
pub(super) fn describe<'py>(
    scope: &Bound<'py, PyDict>,
    fields: Option<&[Field<'py>]>,
    wanted: &Wanted,
) -> PyResult<Described<'py>> {
    let Wanted {
        conventions,
        is_recorded,
        ..
    } = *wanted;
    let py = scope.py();
    let mut facts = ServerFacts::new();
    let get = |key: &Bound<'py, PyString>| -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(scope.get_item(key)?.filter(|value| !value.is_none()))
    };
    let headers = read_headers(scope, fields, is_recorded)?;
    let scheme = get(intern!(py, "scheme"))?;
    let path = get(intern!(py, "path"))?;
    let query = match is_recorded {
        true => get(intern!(py, "query_string"))?.filter(|query| !is_empty(query)),
        false => None,
    };
    let query = query.and_then(|query| header_text(&query));

    let given = get(intern!(py, "server"))?;
    let (address, host, port) = match given.as_ref().and_then(Listening::known) {
        Some(known) => known,
        None => {
            let (address, port) = server_of(py, given.clone())?;
            let host = PyString::new(py, &with_port(&address, port.as_ref()));
            let known = (PyString::new(py, &address), host, port);
            if let Some(given) = &given {
                Listening::keep(given, &known);
            }
            known
        }
    };
    if conventions.old && is_recorded {
        let url = url_of(
            scheme.as_ref(),
            headers.host.as_ref(),
            &host.to_string_lossy(),
            path.as_ref(),
            query.as_ref(),
        );
        let url = url::redact(&url).unwrap_or(url);
        facts.set(server::URL, PyString::new(py, &url).into_any());
    }
    facts.set(server::HOST, host.into_any());
    if is_recorded {
        facts.set(server::ADDRESS, address.into_any());
    }
    put_number(&mut facts, server::PORT, port)?;
    facts.set_present(server::SCHEME, scheme);
    facts.set_present(server::PROTOCOL_VERSION, get(intern!(py, "http_version"))?);
    let given = get(intern!(py, "method"))?;
    let named_path = path.as_ref().filter(|_| wanted.is_named);
    let name = name_of(py, &mut facts, given, named_path, wanted.all_methods)?;
    let hosts = match headers.all_hosts {
        Some(hosts) => Some(PyString::new(py, &hosts)),
        None => headers.host,
    };
    facts.set_present(server::SERVER_NAME, hosts.map(Bound::into_any));
    if !is_recorded {
        return Ok(Described {
            name,
            facts,
            request_size: headers.content_length,
        });
    }
    if let Some(path) = path {
        facts.set_present(server::TARGET, Some(path.clone()));
        let raw = match conventions.new {
            true => get(intern!(py, "raw_path"))?,
            false => None,
        };
        let raw = raw.and_then(|raw| raw_path(header_text(&raw)?.as_any()));
        facts.set_present(server::PATH, Some(raw.unwrap_or(path)));
        if let Some(query) = query.filter(|_| conventions.new) {
            facts.set(server::QUERY, redacted(query.into_any(), url::redact_query));
        }
    }
    put_user_agent(&mut facts, headers.user_agent.map(Bound::into_any))?;
    if let Some(client) = get(intern!(py, "client"))? {
        facts.set_present(server::PEER_ADDRESS, client.get_item(0).ok());
        put_number(&mut facts, server::PEER_PORT, client.get_item(1).ok())?;
    }
    Ok(Described {
        name,
        facts,
        request_size: headers.content_length,
    })
}

/// Address, address with port, port.
type Server<'py> = (
    Bound<'py, PyString>,
    Bound<'py, PyString>,
    Option<Bound<'py, PyAny>>,
);

/// Where the server of the last request listens, as texts: many servers give the same tuple each time.
struct Listening {
    given: Py<PyTuple>,
    address: Py<PyString>,
    host: Py<PyString>,
    port: Option<Py<PyAny>>,
}

static LISTENING: Guarded<Option<Listening>> = Guarded::new(None);

impl Listening {
    fn known<'py>(given: &Bound<'py, PyAny>) -> Option<Server<'py>> {
        let py = given.py();
        let last = LISTENING.lock(py);
        let last = last.as_ref().filter(|last| last.given.is(given))?;
        let port = last.port.as_ref().map(|port| port.bind(py).clone());
        let (address, host) = (last.address.bind(py), last.host.bind(py));
        Some((address.clone(), host.clone(), port))
    }

    // Of what cannot change.
    fn keep(given: &Bound<'_, PyAny>, (address, host, port): &Server<'_>) {
        let py = given.py();
        let Ok(tuple) = given.cast_exact::<PyTuple>() else {
            return;
        };
        let is_text = |item: Bound<'_, PyAny>| item.is_exact_instance_of::<PyString>();
        let is_plain = port
            .as_ref()
            .is_none_or(|port| port.is_exact_instance_of::<PyInt>());
        if !is_plain || !tuple.get_item(0).is_ok_and(is_text) {
            return;
        }
        let listening = Self {
            given: tuple.clone().unbind(),
            address: address.clone().unbind(),
            host: host.clone().unbind(),
            port: port.clone().map(Bound::unbind),
        };
        let replaced = LISTENING.lock(py).replace(listening);
        drop(replaced);
    }
}

// Without a method (a websocket), or with one that nobody knows, it is named `HTTP`.
fn name_of<'py>(
    py: Python<'py>,
    facts: &mut ServerFacts,
    given: Option<Bound<'py, PyAny>>,
    path: Option<&Bound<'py, PyAny>>,
    captures_all_methods: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let has_method = given.is_some();
    let name = put_method(py, facts, given, path, captures_all_methods)?;
    if !has_method {
        facts.remove(server::METHOD);
    }
    let is_other = facts
        .get(py, server::METHOD)
        .is_none_or(|method| text(method).is_some_and(|method| method == method::OTHER));
    match path.and_then(text) {
        Some(path) if is_other && !path.trim().is_empty() => {
            let name = format!("HTTP {}", path.trim());
            Ok(PyString::new(py, &name).into_any())
        }
        _ => Ok(name),
    }
}

/// The address and the port that the server listens at.
fn server_of<'py>(
    py: Python<'py>,
    given: Option<Bound<'py, PyAny>>,
) -> PyResult<(String, Option<Bound<'py, PyAny>>)> {
    let Some(given) = given else {
        return Ok((
            "0.0.0.0".to_owned(),
            Some(80u16.into_pyobject(py)?.into_any()),
        ));
    };
    let address = given.get_item(0)?.str()?.to_string_lossy().into_owned();
    // The server of a Unix socket has none.
    let port = given.get_item(1).ok().filter(|port| !port.is_none());
    Ok((address, port))
}

fn with_port(address: &str, port: Option<&Bound<'_, PyAny>>) -> String {
    match port.map(|port| port.extract::<u32>()) {
        Some(Ok(port)) if port != 80 => format!("{address}:{port}"),
        _ => address.to_owned(),
    }
}

fn url_of(
    scheme: Option<&Bound<'_, PyAny>>,
    host_header: Option<&Bound<'_, PyString>>,
    host: &str,
    path: Option<&Bound<'_, PyAny>>,
    query: Option<&Bound<'_, PyString>>,
) -> String {
    let scheme = scheme.and_then(text);
    let host_header = host_header.map(|header| header.to_string_lossy());
    let path = path.and_then(text).unwrap_or_default();
    let query = query.map(|query| query.to_string_lossy());
    let query = query
        .as_ref()
        .map(|query| percent_decode(query, Style::Path));
    let scheme = scheme.as_deref().unwrap_or("http");
    let host = host_header.as_deref().unwrap_or(host);
    match query {
        Some(query) => [scheme, "://", host, &path, "?", &query].concat(),
        None => [scheme, "://", host, &path].concat(),
    }
}

/// What exclude lists are compared with: the URL without its query.
pub(super) fn url_without_query(scope: &Bound<'_, PyDict>) -> PyResult<String> {
    let py = scope.py();
    let headers = read_headers(scope, None, false)?;
    let given = scope.get_item(intern!(py, "server"))?;
    let (address, port) = server_of(py, given.filter(|given| !given.is_none()))?;
    Ok(url_of(
        scope.get_item(intern!(py, "scheme"))?.as_ref(),
        headers.host.as_ref(),
        &with_port(&address, port.as_ref()),
        scope.get_item(intern!(py, "path"))?.as_ref(),
        None,
    ))
}

/// The context that the headers of the request hold.
pub(super) fn extract<'py>(
    server: &HttpServer,
    scope: &Bound<'py, PyDict>,
    fields: Option<&[Field<'py>]>,
) -> PyResult<Incoming<'py>> {
    if let Some(fields) = fields {
        let source = CarrierSource::Fields(fields);
        return super::wsgi_environ::extract_from(server, Some(&source), scope.as_any());
    }
    let headers = scope.get_item(intern!(scope.py(), "headers"))?;
    let headers = headers.filter(|headers| headers.is_instance_of::<PyList>());
    let source = headers.as_ref().map(CarrierSource::Pairs);
    super::wsgi_environ::extract_from(server, source.as_ref(), scope.as_any())
}
