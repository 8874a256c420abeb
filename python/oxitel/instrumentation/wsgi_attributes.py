"""Attributes of a WSGI request and its answer, for those who call the official functions.

The middleware does not: it reads the same natively.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation import _semconv
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span

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
from .http.values import (
    detect_synthetic_user_agent,
    normalize_user_agent,
    redact_query_parameters,
    redact_url,
    sanitize_method,
)

_PREFIX = "HTTP_"
Environ = dict[str, Any]
_DEFAULT = _semconv._StabilityMode.DEFAULT


class WSGIGetter(Getter[Environ]):
    """Reads headers from the environment of a WSGI request."""

    def get(self, carrier: Environ, key: str) -> list[str] | None:
        value = carrier.get(_PREFIX + key.upper().replace("-", "_"))
        return None if value is None else [value]

    def keys(self, carrier: Environ) -> list[str]:
        return [
            name[len(_PREFIX) :].lower().replace("_", "-")
            for name in carrier
            if name.startswith(_PREFIX)
        ]


wsgi_getter = WSGIGetter()


class ResponsePropagationSetter:
    """Adds headers to the list that `start_response` is given."""

    def set(self, carrier: list[tuple[str, Any]], key: str, value: Any) -> None:
        carrier.append((key, value))


default_response_propagation_setter = ResponsePropagationSetter()


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def collect_request_attributes(
    environ: Environ, sem_conv_opt_in_mode: Any = _DEFAULT
) -> dict[str, Any]:
    mode = sem_conv_opt_in_mode
    old = _semconv._report_old(mode)
    found: dict[str, Any] = {}
    method = environ.get("REQUEST_METHOD", "")
    _semconv._set_http_method(found, method, sanitize_method(method), mode)
    if old:
        found["http.server_name"] = environ.get("SERVER_NAME")
    _semconv._set_http_scheme(found, environ.get("wsgi.url_scheme"), mode)
    host = environ.get("HTTP_HOST")
    if host:
        _semconv._set_http_net_host(found, host, mode)
        if old:
            found["http.host"] = host
    _semconv._set_http_net_host_port(found, environ.get("SERVER_PORT"), mode)
    target = environ.get("RAW_URI")
    if target is None:
        target = environ.get("REQUEST_URI")
    if target:
        query = environ.get("QUERY_STRING")
        if query:
            query = redact_query_parameters(f"?{query}")[1:]
        target = redact_url(target)
        _semconv._set_http_target(found, target, environ.get("PATH_INFO"), query, mode)
    elif old:
        from wsgiref.util import request_uri

        found["http.url"] = redact_url(request_uri(environ))
    address = environ.get("REMOTE_ADDR")
    if address:
        _semconv._set_http_peer_ip_server(found, address, mode)
    _semconv._set_http_peer_port_server(found, environ.get("REMOTE_PORT"), mode)
    name = environ.get("REMOTE_HOST")
    if name and name != address:
        _semconv._set_http_net_peer_name_server(found, name, mode)
    user_agent = normalize_user_agent(environ.get("HTTP_USER_AGENT"))
    if user_agent:
        _semconv._set_http_user_agent(found, user_agent, mode)
        synthetic = detect_synthetic_user_agent(user_agent)
        if synthetic:
            found["user_agent.synthetic.type"] = synthetic
    version = environ.get("SERVER_PROTOCOL", "")
    if version.upper().startswith("HTTP/"):
        version = version[len("HTTP/") :]
    if version:
        _semconv._set_http_flavor_version(found, version, mode)
    return found


def request_headers_of(environ: Environ) -> dict[str, str | list[str]]:
    """The headers of a request, by names with dashes."""
    return {
        name[len(_PREFIX) :].replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith(_PREFIX)
    }


def response_headers_of(headers: list[tuple[str, str]]) -> dict[str, str | list[str]]:
    """The headers of an answer; those of one name are joined by commas."""
    found: dict[str, Any] = {}
    for name, value in headers or ():
        name = name.lower()
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _sanitize() -> SanitizeValue:
    return SanitizeValue(get_custom_headers(SANITIZE_FIELDS))


def collect_custom_request_headers_attributes(environ: Environ) -> Values:
    """The headers that the variables ask for."""
    return _sanitize().sanitize_header_values(
        request_headers_of(environ),
        get_custom_headers(SERVER_REQUEST),
        normalise_request_header_name,
    )


def collect_custom_response_headers_attributes(response_headers: list[tuple[str, str]]) -> Values:
    """The headers that the variables ask for."""
    return _sanitize().sanitize_header_values(
        response_headers_of(response_headers),
        get_custom_headers(SERVER_RESPONSE),
        normalise_response_header_name,
    )


def _parse_status_code(resp_status: str) -> int | None:
    return _number(resp_status.partition(" ")[0])


def add_response_attributes(
    span: Span,
    start_response_status: str,
    response_headers: list[tuple[str, str]],
    duration_attrs: dict[str, Any] | None = None,
    sem_conv_opt_in_mode: Any = _DEFAULT,
) -> None:
    """Note the status of an answer on its span, and in the attributes of its duration."""
    text = start_response_status.partition(" ")[0]
    code = _number(text)
    _semconv._set_status(
        span,
        {} if duration_attrs is None else duration_attrs,
        -1 if code is None else code,
        text,
        server_span=True,
        sem_conv_opt_in_mode=sem_conv_opt_in_mode,
    )


def get_default_span_name(environ: Environ) -> str:
    """Method and path, or what of it there is."""
    method = sanitize_method(environ.get("REQUEST_METHOD", "").strip())
    if method == "_OTHER":
        return "HTTP"
    path = environ.get("PATH_INFO", "").strip()
    return f"{method} {path}" if method and path else method
