//! The route of a request, as frameworks that take ASGI leave it in the scope.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::server_request::ServerRequest;

/// Notes the route, and says whether that could be done: where routers lie in others, or the method is
/// not a usual one, the instrumentation of the framework knows more.
pub(super) fn note(request: &ServerRequest, scope: &Bound<'_, PyDict>) -> PyResult<bool> {
    let py = scope.py();
    let Some(keys) = &request.server.get().route_context else {
        return Ok(false);
    };
    if !request.has_usual_method(py) {
        return Ok(false);
    }
    let (holder, key) = (keys.0.bind(py), keys.1.bind(py));
    let inner = match scope.get_item(holder)? {
        Some(held) => held.cast::<PyDict>()?.get_item(key)?,
        None => None,
    };
    let route = match inner.filter(|inner| !inner.is_none()) {
        Some(inner) => Some(inner),
        None => scope.get_item(intern!(py, "route"))?,
    };
    let Some(route) = route else {
        return Ok(false);
    };
    if let Some(outer) = scope.get_item(intern!(py, "app_root_path"))?
        && !scope
            .get_item(intern!(py, "root_path"))?
            .is_some_and(|root| root.is(&outer))
    {
        return Ok(false);
    }
    let Some(path) = route.getattr_opt(intern!(py, "path"))? else {
        return Ok(false);
    };
    if !path.is_exact_instance_of::<PyString>() || path.len()? == 0 {
        return Ok(false);
    }
    request.take_route(path)?;
    Ok(true)
}
