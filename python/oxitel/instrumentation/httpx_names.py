"""Names of the official httpx instrumentation that others import."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation import _semconv

from .http.headers import get_custom_header_attributes, normalise_request_header_name
from .http.values import redact_url, sanitize_method


def _apply_request_client_attributes_to_span(
    span_attributes: dict[str, Any],
    metric_attributes: dict[str, Any],
    url: Any,
    method_original: str,
    semconv: Any,
    module: Any,
    headers: Any = None,
    captured_headers: list[str] | None = None,
    sensitive_headers: list[str] | None = None,
) -> None:
    """Add what a request says to the attributes of its span and of its metrics."""
    url = module.URL(url)
    method = sanitize_method(method_original)
    for attributes in (span_attributes, metric_attributes):
        _semconv._set_http_method(attributes, method_original, method, semconv)
    _semconv._set_http_url(span_attributes, redact_url(str(url)), semconv)
    headers = module.Headers(headers)
    found = {name: headers.get_list(name, split_commas=True) for name in headers}
    span_attributes.update(
        get_custom_header_attributes(
            found, captured_headers, sensitive_headers, normalise_request_header_name
        )
    )
    if _semconv._report_old(semconv):
        _semconv._set_http_scheme(metric_attributes, url.scheme, semconv)
    if _semconv._report_new(semconv):
        for attributes in (span_attributes, metric_attributes):
            _semconv._set_http_host_client(attributes, url.host, semconv)
            _semconv._set_http_peer_port_client(attributes, url.port, semconv)
        _semconv._set_http_net_peer_name_client(metric_attributes, url.host, semconv)
        _semconv.set_string_attribute(span_attributes, "network.peer.address", url.host)
        _semconv.set_int_attribute(span_attributes, "network.peer.port", url.port)
