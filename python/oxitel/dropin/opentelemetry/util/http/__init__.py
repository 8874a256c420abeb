"""Official path of what oxitel.instrumentation.http shares."""

from opentelemetry.instrumentation._semconv import (
    _server_active_requests_count_attrs_old,
    _server_duration_attrs_old,
)

from oxitel.instrumentation.http.excluded_urls import (
    ExcludeList as ExcludeList,
    get_excluded_urls as get_excluded_urls,
    parse_excluded_urls as parse_excluded_urls,
)
from oxitel.instrumentation.http.headers import (
    CLIENT_REQUEST as OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST,
    CLIENT_RESPONSE as OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE,
    SANITIZE_FIELDS as OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS,
    SERVER_REQUEST as OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST,
    SERVER_RESPONSE as OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE,
    SanitizeValue as SanitizeValue,
    get_custom_header_attributes as get_custom_header_attributes,
    get_custom_headers as get_custom_headers,
    normalise_request_header_name as normalise_request_header_name,
    normalise_response_header_name as normalise_response_header_name,
)
from oxitel.instrumentation.http.request_attributes import (
    get_traced_request_attrs as get_traced_request_attrs,
)
from oxitel.instrumentation.http.values import (
    CAPTURE_ALL_METHODS as OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS,
    PARAMS_TO_REDACT as PARAMS_TO_REDACT,
    _parse_url_query as _parse_url_query,
    detect_synthetic_user_agent as detect_synthetic_user_agent,
    normalize_user_agent as normalize_user_agent,
    redact_query_parameters as redact_query_parameters,
    redact_url as redact_url,
    remove_url_credentials as remove_url_credentials,
    sanitize_method as sanitize_method,
)

_duration_attrs = set(_server_duration_attrs_old)
_active_requests_count_attrs = set(_server_active_requests_count_attrs_old)


def _parse_active_request_count_attrs(req_attrs):  # type: ignore[no-untyped-def]
    return {key: req_attrs[key] for key in _active_requests_count_attrs & req_attrs.keys()}


def _parse_duration_attrs(req_attrs):  # type: ignore[no-untyped-def]
    return {key: req_attrs[key] for key in _duration_attrs & req_attrs.keys()}
