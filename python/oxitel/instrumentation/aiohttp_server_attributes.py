"""Attributes of a request to aiohttp's server, for those who call the official functions.

The instrumentation does not: it reads the same natively.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation import _semconv
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span

from .asgi_attributes import set_status_code as _set_status_code
from .conventions import _DEFAULT
from .http.headers import (
    SANITIZE_FIELDS,
    SERVER_REQUEST,
    SERVER_RESPONSE,
    SanitizeValue,
    Values,
    get_custom_headers,
    normalise_request_header_name,
    normalise_response_header_name,
)
from .http.values import _parse_url_query, redact_query_parameters, redact_url, sanitize_method


class AiohttpGetter(Getter[Any]):
    """Reads headers from aiohttp's requests."""

    def get(self, carrier: Any, key: str) -> list[str] | None:
        headers = carrier.headers
        return headers.getall(key, None) if headers else None

    def keys(self, carrier: Any) -> list[str]:
        return list(carrier.headers)


getter = AiohttpGetter()


def _get_canonical_path(request: Any) -> str:
    """The pattern of the route, empty if there is none."""
    try:
        return str(request.match_info.route.resource.canonical)
    except AttributeError:
        return ""


def get_default_span_name(request: Any) -> str:
    """Method and pattern, or what of it there is."""
    method = sanitize_method(request.method)
    name = "HTTP" if method == "_OTHER" else method
    path = _get_canonical_path(request)
    return f"{name} {path}" if path else name


def collect_request_attributes(
    request: Any, sem_conv_opt_in_mode: Any = _DEFAULT
) -> dict[str, Any]:
    mode = sem_conv_opt_in_mode
    old = _semconv._report_old(mode)
    found: dict[str, Any] = {}
    _semconv._set_http_method(found, request.method, sanitize_method(request.method), mode)
    _semconv._set_http_scheme(found, request.scheme, mode)
    host, port = request.url.host, request.url.port
    if host:
        _semconv._set_http_net_host(found, host, mode)
        if old:
            found["http.host"] = host
    if port:
        _semconv._set_http_net_host_port(found, port, mode)
    if request.path_qs:
        target = redact_query_parameters(request.path_qs)
        query = _parse_url_query(target)[1]
        _semconv._set_http_target(found, target, request.path, query, mode)
    user_agent = request.headers.get("User-Agent")
    if user_agent:
        _semconv._set_http_user_agent(found, user_agent, mode)
    version = f"{request.version.major}.{request.version.minor}"
    _semconv._set_http_flavor_version(found, version, mode)
    found["http.route"] = _get_canonical_path(request)
    if old:
        found["http.url"] = redact_url(str(request.url))
        found["http.server_name"] = request.host
    return found


def _collect(headers: Any, variable: str, name: Any) -> Values:
    sanitize = SanitizeValue(get_custom_headers(SANITIZE_FIELDS))
    return sanitize.sanitize_header_values(headers, get_custom_headers(variable), name)


def collect_request_headers_attributes(request: Any) -> Values:
    """The headers that the variables ask for."""
    return _collect(request.headers, SERVER_REQUEST, normalise_request_header_name)


def collect_response_headers_attributes(response: Any) -> Values:
    """The headers that the variables ask for."""
    return _collect(response.headers, SERVER_RESPONSE, normalise_response_header_name)


def set_status_code(
    span: Span,
    status_code: Any,
    duration_attrs: dict[str, Any] | None = None,
    sem_conv_opt_in_mode: Any = _DEFAULT,
) -> None:
    """Note the status of an answer on its span, and in the attributes of its duration."""
    _set_status_code(span, status_code, duration_attrs, sem_conv_opt_in_mode)
