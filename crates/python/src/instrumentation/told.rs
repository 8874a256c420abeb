//! A request of a server that speaks neither WSGI nor ASGI: its framework tells the facts one by one.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use telemetry::instrumentation::names::server as fact;
use telemetry::instrumentation::url;

use super::hook;
use super::incoming::Incoming;
use super::server::{HttpServer, ServerFacts};
use super::server_request::ServerRequest;
use super::wsgi_environ::{self, put_method, put_number, put_user_agent, redacted, text};
use crate::propagation::carrier::CarrierSource;

/// Begins a request of which `told` has the facts by the names of the arguments of
/// `HttpServer.begin_told`; `headers` are pairs, `carrier` is what propagators of others are given.
pub(super) fn begin<'py>(
    server: &Bound<'py, HttpServer>,
    carrier: &Bound<'py, PyAny>,
    headers: &Bound<'py, PyAny>,
    told: &Bound<'py, PyDict>,
) -> PyResult<Option<Bound<'py, ServerRequest>>> {
    let py = server.py();
    let own = server.get();
    if super::suppression::is_http_suppressed(py)? {
        return Ok(None);
    }
    let get = |name: &str| -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(told.get_item(name)?.filter(|value| !value.is_none()))
    };
    let captured = own.captured(py)?;
    let mut facts = ServerFacts::new();
    let given = get("method")?;
    let mut name = put_method(py, &mut facts, given, None, captured.all_methods)?;
    if let Some(route) = get("route")? {
        let known = text(&name).unwrap_or_default();
        if let Some(route) = text(&route).filter(|route| !route.is_empty()) {
            let named = format!("{known} {route}");
            drop(known);
            name = PyString::new(py, &named).into_any();
        }
        facts.set(fact::ROUTE, route);
    }
    facts.set_present(fact::SCHEME, get("scheme")?);
    let host = get("host")?;
    facts.set_present(fact::HOST_NAME, host.clone());
    facts.set_present(fact::HOST, host);
    put_number(&mut facts, fact::PORT, get("port")?)?;
    if let Some(target) = get("target")? {
        let target = redacted(target, url::redact);
        let query = text(&target).and_then(|target| Some(target.split_once('?')?.1.to_owned()));
        facts.set_present(fact::TARGET, Some(target));
        facts.set_present(fact::PATH, get("path")?);
        facts.set_present(
            fact::QUERY,
            query.map(|query| PyString::new(py, &query).into_any()),
        );
    }
    facts.set_present(
        fact::URL,
        get("url")?.map(|whole| redacted(whole, url::redact)),
    );
    facts.set_present(fact::SERVER_NAME, get("server_name")?);
    facts.set_present(fact::PROTOCOL_VERSION, get("version")?);
    put_user_agent(&mut facts, get("user_agent")?)?;
    facts.remove(fact::SYNTHETIC);
    let extract = || extract(own, carrier, headers);
    let request = HttpServer::begin(server, true, extract, |_| Ok((name, facts)))?;
    let captured = request.get().capture(captured.request.as_ref(), carrier);
    hook::harmless(py, captured)?;
    Ok(Some(request))
}

/// The context that the headers hold.
pub(super) fn extract<'py>(
    server: &HttpServer,
    carrier: &Bound<'py, PyAny>,
    headers: &Bound<'py, PyAny>,
) -> PyResult<Incoming<'py>> {
    let source = CarrierSource::Pairs(headers);
    wsgi_environ::extract_from(server, Some(&source), carrier)
}
