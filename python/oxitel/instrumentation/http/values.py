"""Values of attributes: methods, URLs without secrets, user agents; by native functions."""

from __future__ import annotations

from typing import Any, overload
from urllib.parse import urlsplit

from oxitel import _native
from oxitel.variables import http as variables
from oxitel.variables.variable import value_of

CAPTURE_ALL_METHODS = variables.CAPTURE_ALL_METHODS.name

PARAMS_TO_REDACT = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
]


def captures_all_methods() -> bool:
    return bool(value_of(CAPTURE_ALL_METHODS))


@overload
def sanitize_method(method: str) -> str: ...
@overload
def sanitize_method(method: None) -> None: ...
def sanitize_method(method: str | None) -> str | None:
    """The method in upper case, `_OTHER` for one that nobody knows."""
    if method is None:
        return None
    known = _native.known_http_method(method)
    if known is not None:
        return known
    return method.upper() if captures_all_methods() else "_OTHER"


def remove_url_credentials(url: str) -> str:
    return _native.redact_url_credentials(url)


def redact_query_parameters(url: str) -> str:
    before, mark, query = url.partition("?")
    return before + mark + _native.redact_url_query(query) if mark else url


def redact_url(url: str) -> str:
    return _native.redact_url(url)


def _parse_url_query(url: str) -> tuple[str, str]:
    """The path and the query of a URL or request target; both empty if it cannot be read."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.path, parts.query


def normalize_user_agent(user_agent: Any) -> str | None:
    if user_agent is None or isinstance(user_agent, str):
        return user_agent
    if isinstance(user_agent, (bytes, bytearray, memoryview)):
        return bytes(user_agent).decode("latin-1")
    return str(user_agent)


def detect_synthetic_user_agent(user_agent: str | None) -> str | None:
    return _native.synthetic_user_agent(user_agent) if user_agent else None
