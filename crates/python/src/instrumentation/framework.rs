//! The request of a framework that calls middlewares with an object of its own. The dict in which that
//! has what the server told it keeps the request from its beginning to its end.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::server::HttpServer;
use super::server_request::ServerRequest;
use super::{asgi, wsgi};

/// Who has begun a request, and how to go back to the context before it.
pub(super) struct Kept {
    pub(super) owner: Py<PyAny>,
    pub(super) token: Py<PyAny>,
}

/// Begins the request of an ASGI `scope`, or else of a WSGI environment, which `meta` is then, and makes
/// its span current. `None` where instrumentations are suppressed.
pub(super) fn begin<'py>(
    server: &Bound<'py, HttpServer>,
    owner: Py<PyAny>,
    meta: &Bound<'py, PyDict>,
    scope: Option<&Bound<'py, PyDict>>,
    name: Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, ServerRequest>>> {
    let py = server.py();
    let request = match scope {
        None => wsgi::begin_named(server, meta, name)?,
        Some(scope) => {
            let Some(request) = asgi::begin(server, scope, Some(name), None)? else {
                return Ok(None);
            };
            server.get().keep(meta, &request)?;
            request
        }
    };
    let token = request.get().enter(py)?.unbind();
    request.get().set_kept(py, Kept { owner, token });
    Ok(Some(request))
}

/// Takes the request out of `meta`, and gives the token of the context before it; `None` if `owner` is
/// not the one that has begun it.
pub(super) fn let_go<'py>(
    request: &ServerRequest,
    owner: &Bound<'py, PyAny>,
    meta: &Bound<'py, PyDict>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = owner.py();
    let Some(kept) = request.take_kept(owner) else {
        return Ok(None);
    };
    let server = request.server.get();
    let keys = [&server.request_key, &server.span_key];
    for key in keys.into_iter().flatten() {
        if meta.contains(key)? {
            meta.del_item(key)?;
        }
    }
    Ok(Some(kept.token.into_bound(py)))
}
