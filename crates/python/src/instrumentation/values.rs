//! The rules of the telemetry crate as functions, for the parts of instrumentations that are Python.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use telemetry::instrumentation::{method, sql, url, user_agent};

/// The known method that the text is, in any case; None if it is none.
#[pyfunction]
pub(crate) fn known_http_method(method: &Bound<'_, PyString>) -> Option<&'static str> {
    method::known(&method.to_string_lossy())
}

fn redacted<'py>(
    text: Bound<'py, PyString>,
    redact: fn(&str) -> Option<String>,
) -> Bound<'py, PyString> {
    match redact(&text.to_string_lossy()) {
        Some(redacted) => PyString::new(text.py(), &redacted),
        None => text,
    }
}

/// A URL without its credentials and the values of its sensitive parameters.
#[pyfunction]
pub(crate) fn redact_url(url: Bound<'_, PyString>) -> Bound<'_, PyString> {
    redacted(url, url::redact)
}

/// A URL without its credentials.
#[pyfunction]
pub(crate) fn redact_url_credentials(url: Bound<'_, PyString>) -> Bound<'_, PyString> {
    redacted(url, url::redact_credentials)
}

/// A query without the values of its sensitive parameters.
#[pyfunction]
pub(crate) fn redact_url_query(query: Bound<'_, PyString>) -> Bound<'_, PyString> {
    redacted(query, url::redact_query)
}

/// `test` or `bot`, None for a user agent that a user has.
#[pyfunction]
pub(crate) fn synthetic_user_agent(user_agent: &Bound<'_, PyString>) -> Option<&'static str> {
    user_agent::synthetic_type(&user_agent.to_string_lossy())
}

/// The first word of an SQL statement after comments, empty if there is none.
#[pyfunction]
pub(crate) fn sql_operation(statement: &Bound<'_, PyString>) -> String {
    sql::operation(&statement.to_string_lossy()).to_owned()
}

/// The URL of an ASGI scope without its query, with which exclude lists are compared.
#[pyfunction]
pub(crate) fn asgi_url(scope: &Bound<'_, PyDict>) -> PyResult<String> {
    super::asgi_scope::url_without_query(scope)
}

/// Whether the current context suppresses instrumentations of HTTP.
#[pyfunction]
pub(crate) fn is_http_suppressed(py: Python<'_>) -> PyResult<bool> {
    super::suppression::is_http_suppressed(py)
}
