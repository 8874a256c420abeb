"""Attributes of an ASGI request and its answer, for those who call the official functions.

The middleware does not: it reads the same natively.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import Any

from opentelemetry.instrumentation import _semconv
from opentelemetry.instrumentation.propagators import Setter
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span

from .http.headers import SanitizeValue, Values
from .http.values import (
    detect_synthetic_user_agent,
    normalize_user_agent,
    redact_query_parameters,
    redact_url,
    sanitize_method,
)

Scope = dict[str, Any]
_DEFAULT = _semconv._StabilityMode.DEFAULT


def _decode_header_item(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except ValueError:
        return value.decode("latin-1")


def headers_of(scope_or_message: Scope) -> dict[str, str | list[str]]:
    """The values of headers by their names."""
    found: dict[str, Any] = {}
    for name, value in scope_or_message.get("headers") or ():
        found.setdefault(_decode_header_item(name), []).append(_decode_header_item(value))
    return found


class ASGIGetter(Getter[Scope]):
    """Reads headers from an ASGI scope or message."""

    def get(self, carrier: Scope, key: str) -> list[str] | None:
        key = key.lower()
        found = [
            _decode_header_item(value)
            for name, value in carrier.get("headers") or ()
            if _decode_header_item(name).lower() == key
        ]
        return found or None

    def keys(self, carrier: Scope) -> list[str]:
        return [_decode_header_item(name) for name, _ in carrier.get("headers") or ()]


class ASGISetter(Setter):
    """Adds headers to an ASGI message."""

    def set(self, carrier: Scope, key: str, value: str) -> None:
        headers = carrier.get("headers")
        if not headers:
            headers = carrier["headers"] = []
        headers.append([key.lower().encode(), value.encode()])


asgi_getter = ASGIGetter()
asgi_setter = ASGISetter()


def get_host_port_url_tuple(scope: Scope) -> tuple[str, Any, str]:
    """Host with port, port, and URL without query."""
    server = scope.get("server") or ["0.0.0.0", 80]
    host, port = server[0], server[1]
    if port is not None and str(port) != "80":
        host = f"{host}:{port}"
    header = asgi_getter.get(scope, "host")
    url_host = header[0] if header else host
    return host, port, f"{scope.get('scheme', 'http')}://{url_host}{scope.get('path', '')}"


def collect_request_attributes(
    scope: Scope, sem_conv_opt_in_mode: Any = _DEFAULT
) -> dict[str, Any]:
    mode = sem_conv_opt_in_mode
    old = _semconv._report_old(mode)
    found: dict[str, Any] = {}
    host, port, url = get_host_port_url_tuple(scope)
    query = scope.get("query_string")
    if query and url:
        if isinstance(query, bytes):
            query = _decode_header_item(query)
        url += "?" + urllib.parse.unquote(query)
        query = redact_query_parameters(f"?{query}")[1:]
    scheme = scope.get("scheme")
    if scheme:
        _semconv._set_http_scheme(found, scheme, mode)
    if host:
        _semconv._set_http_host_server(found, host, mode)
        if _semconv._report_new(mode):
            found["server.address"] = (scope.get("server") or ["0.0.0.0"])[0]
    if port:
        _semconv._set_http_net_host_port(found, port, mode)
    version = scope.get("http_version")
    if version:
        _semconv._set_http_flavor_version(found, version, mode)
    path = scope.get("path")
    if path:
        _semconv._set_http_target(found, path, path, query, mode)
    if url and old:
        _semconv._set_http_url(found, redact_url(url), _DEFAULT)
    method = scope.get("method", "")
    if method:
        _semconv._set_http_method(found, method, sanitize_method(method), mode)
    hosts = asgi_getter.get(scope, "host")
    if hosts and old:
        found["http.server_name"] = ",".join(hosts)
    user_agents = asgi_getter.get(scope, "user-agent")
    user_agent = normalize_user_agent(user_agents[0]) if user_agents else None
    if user_agent:
        _semconv._set_http_user_agent(found, user_agent, mode)
        synthetic = detect_synthetic_user_agent(user_agent)
        if synthetic:
            found["user_agent.synthetic.type"] = synthetic
    client = scope.get("client")
    if client is not None:
        _semconv._set_http_peer_ip_server(found, client[0], mode)
        _semconv._set_http_peer_port_server(found, client[1], mode)
    return {name: value for name, value in found.items() if value is not None}


def collect_custom_headers_attributes(
    scope_or_response_message: Scope,
    sanitize: SanitizeValue,
    header_regexes: list[str],
    normalize_names: Callable[[str], str],
) -> Values:
    return sanitize.sanitize_header_values(
        headers_of(scope_or_response_message), header_regexes, normalize_names
    )


def set_status_code(
    span: Span,
    status_code: Any,
    metric_attributes: dict[str, Any] | None = None,
    sem_conv_opt_in_mode: Any = _DEFAULT,
) -> None:
    """Note the status of an answer on a span, and in the attributes of a metric."""
    text = str(status_code)
    try:
        code = int(status_code)
    except ValueError:
        code = -1
    attributes = {} if metric_attributes is None else metric_attributes
    _semconv._set_status(
        span,
        attributes,
        code,
        text,
        server_span=True,
        sem_conv_opt_in_mode=sem_conv_opt_in_mode,
    )


def get_default_span_details(scope: Scope) -> tuple[str, dict[str, Any]]:
    """Method and path, or what of it there is; no attributes."""
    path = scope.get("path", "").strip()
    method = sanitize_method(scope.get("method", "").strip())
    if method == "_OTHER":
        method = "HTTP"
    return (f"{method} {path}" if path else method), {}


def _collect_target_attribute(scope: Scope) -> str | None:
    """The pattern of the path, where the framework leaves its route in the scope."""
    path = getattr(scope.get("route"), "path_format", None)
    return f"{scope.get('root_path', '')}{path}" if path else None
