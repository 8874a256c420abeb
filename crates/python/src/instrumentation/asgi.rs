//! ASGI: how a request begins, and what the messages of its answer say. The coroutines around the
//! application are Python's (`oxitel.instrumentation.asgi`): servers and frameworks ask for functions
//! that are `async`.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString};
use telemetry::instrumentation::names::server::ROUTE;
use telemetry::instrumentation::status;

use super::any_span::AnySpan;
use super::asgi_scope::HeadersMark;
use super::server::HttpServer;
use super::server_request::{Answer, ServerRequest};
use super::wsgi_environ::{Wanted, text};
use super::{asgi_scope, hook, suppression};
use crate::threads::interruption::Settled;

/// Begins the request of `scope`; `None` where instrumentations of HTTP are suppressed.
pub(super) fn begin<'py>(
    server: &Bound<'py, HttpServer>,
    scope: &Bound<'py, PyDict>,
    name: Option<Bound<'py, PyAny>>,
    attributes: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, ServerRequest>>> {
    let py = server.py();
    let own = server.get();
    if suppression::is_http_suppressed(py)? {
        return Ok(None);
    }
    let is_http = scope
        .get_item(intern!(py, "type"))?
        .is_none_or(|kind| text(&kind).is_none_or(|kind| kind == "http"));
    let all_methods = own.captured(py)?.all_methods;
    let headers = hook::harmless(py, asgi_scope::settle_headers(scope))?.flatten();
    let fields = headers.as_ref().and_then(asgi_scope::fields);
    let fields = fields.as_deref();
    let extract = || asgi_scope::extract(own, scope, fields);
    let mut request_size = None;
    let request = HttpServer::begin(server, is_http, extract, |is_recorded| {
        let wanted = Wanted {
            conventions: own.keys.conventions,
            all_methods,
            is_recorded,
            // Spans inside are called after it.
            is_named: name.is_none() && (is_recorded || !own.tracer.drops_children(py)),
        };
        let mut described = asgi_scope::describe(scope, fields, &wanted)?;
        let route_key = intern!(py, "http.route");
        let route = match attributes {
            Some(attributes) => attributes.get_item(route_key)?,
            None => None,
        };
        if let Some(route) = route {
            described.facts.set(ROUTE, route);
        }
        request_size = described.request_size;
        Ok((name.unwrap_or(described.name), described.facts))
    })?;
    let headers = headers.as_ref().map(HeadersMark::of);
    request.get().set_request_size(py, request_size, headers);
    if let Some(attributes) = attributes.filter(|attributes| !attributes.is_empty()) {
        request.get().span.set_attributes(attributes)?;
    }
    let captured = own.captured(py).and_then(|captured| {
        let capture = captured.request.as_ref();
        request.get().capture(capture, scope.as_any())
    });
    hook::harmless(py, captured)?;
    Ok(Some(request))
}

/// What is known of an answer that is being sent.
#[derive(Clone, Copy, Default)]
pub(super) struct Sending {
    has_begun: bool,
    expects_trailers: bool,
}

impl Sending {
    /// Whether there was a message already.
    pub(super) const fn has_begun(self) -> bool {
        self.has_begun
    }
}

fn flag(message: &Bound<'_, PyDict>, key: &Bound<'_, PyString>) -> PyResult<bool> {
    match message.get_item(key)? {
        Some(value) => value.is_truthy(),
        None => Ok(false),
    }
}

/// What a scope or a message has as headers.
pub(super) fn headers_of<'py>(message: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, PyAny>>> {
    message.get_item(intern!(message.py(), "headers"))
}

/// Notes what a message with these headers says, before it is sent; true for the last one of an answer.
pub(super) fn note_message(
    request: &ServerRequest,
    kind: &Bound<'_, PyAny>,
    message: &Bound<'_, PyDict>,
    headers: Option<&Bound<'_, PyAny>>,
) -> PyResult<bool> {
    let py = message.py();
    let Ok(kind) = kind.cast::<PyString>() else {
        return Ok(false);
    };
    let expects_trailers = request.sending(py).expects_trailers;
    let begin = |expects_trailers| {
        let has_begun = true;
        let sending = Sending {
            has_begun,
            expects_trailers,
        };
        request.set_sending(py, sending);
    };
    begin(expects_trailers);
    match &*kind.to_string_lossy() {
        "http.response.start" => {
            if let Some(code) = message.get_item(intern!(py, "status"))? {
                answer(request, &code)?;
            }
            begin(flag(message, intern!(py, "trailers"))?);
            let size = headers.map(asgi_scope::content_length).transpose()?;
            request.set_response_size(py, size.flatten());
            capture(request, message)?;
            Ok(false)
        }
        "http.response.body" => Ok(!expects_trailers && !flag(message, intern!(py, "more_body"))?),
        "http.response.trailers" => {
            Ok(expects_trailers && !flag(message, intern!(py, "more_trailers"))?)
        }
        "websocket.send" => {
            request.answer(py, &Answer::Code(200))?;
            capture(request, message)?;
            Ok(false)
        }
        _ => {
            capture(request, message)?;
            Ok(false)
        }
    }
}

fn capture(request: &ServerRequest, message: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = message.py();
    let captured = request.server.get().captured(py)?;
    if captured.response.is_none() || !message.contains(intern!(py, "headers"))? {
        return Ok(());
    }
    request.capture(captured.response.as_ref(), message.as_any())
}

/// The answer has been sent, or there will be none: what the application has left in the scope counts.
pub(super) fn end(request: &ServerRequest, scope: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = scope.py();
    if request.has_ended(py) {
        return Ok(());
    }
    if let Some(route) = scope.get_item(intern!(py, "route"))?
        && let Some(path) = route.getattr_opt(intern!(py, "path_format"))?
        && path.is_truthy()?
    {
        let root = scope.get_item(intern!(py, "root_path"))?;
        let target = match root.filter(|root| root.is_truthy().settled(py).unwrap_or(false)) {
            Some(root) => {
                let target = format!("{}{}", root.str()?, path.str()?);
                PyString::new(py, &target).into_any()
            }
            None => path,
        };
        request.set_target(target.unbind(), py);
    }
    // Middleware may have put other headers in the place of those that were read at the beginning.
    let headers = headers_of(scope)?;
    if headers.as_ref().map(HeadersMark::of) != request.headers(py) {
        let size = headers.as_ref().map(asgi_scope::content_length);
        request.set_request_size(py, size.transpose()?.flatten(), None);
    }
    Ok(())
}

/// Notes the status of an answer, in any of the forms that frameworks have for it.
pub(super) fn answer(request: &ServerRequest, code: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = code.py();
    match code.extract::<u16>() {
        Ok(code) => request.answer(py, &Answer::Code(code)),
        // Frameworks give members of `HTTPStatus`, which are numbers, or texts.
        Err(_) => {
            let text = code.str()?.to_string_lossy().into_owned();
            match text.trim().parse() {
                Ok(code) => request.answer(py, &Answer::Code(code)),
                Err(_) => request.answer(py, &Answer::Unreadable(&text)),
            }
        }
    }
}

/// Notes a status on the span of one message.
pub(super) fn set_status_of(
    request: &ServerRequest,
    span: &AnySpan,
    code: &Bound<'_, PyAny>,
) -> PyResult<()> {
    use telemetry::instrumentation::names::server::{ERROR_TYPE, STATUS};
    let py = code.py();
    let keys = &request.server.get().keys;
    let number = code.cast_exact::<PyInt>().ok();
    let number = number.and_then(|number| number.extract::<u16>().ok());
    if let Some(number) = number.filter(|number| !status::is_server_error(*number)) {
        return span.set_fact(py, keys, STATUS, &number.into_pyobject(py)?.into_any());
    }
    let text = code.str()?;
    match text.to_string_lossy().trim().parse::<u16>() {
        Ok(code) => {
            span.set_fact(py, keys, STATUS, &code.into_pyobject(py)?.into_any())?;
            if status::is_server_error(code) {
                span.set_fact(py, keys, ERROR_TYPE, text.as_any())?;
                span.set_error(py, None)?;
            }
        }
        Err(_) => {
            span.set_fact(py, keys, ERROR_TYPE, text.as_any())?;
            let text = text.to_string_lossy();
            span.set_error(py, Some(&format!("Non-integer HTTP status: {text}")))?;
        }
    }
    Ok(())
}
