"""Official path of oxitel.instrumentation.wsgi."""

from oxitel.instrumentation.conventions import (
    active_request_attributes as _parse_active_request_count_attrs,
    duration_attributes as _parse_duration_attrs,
)
from oxitel.instrumentation.wsgi import (
    OpenTelemetryMiddleware as OpenTelemetryMiddleware,
    RequestHook as RequestHook,
    ResponseHook as ResponseHook,
)
from oxitel.instrumentation.wsgi_attributes import (
    ResponsePropagationSetter as ResponsePropagationSetter,
    WSGIGetter as WSGIGetter,
    _parse_status_code as _parse_status_code,
    add_response_attributes as add_response_attributes,
    collect_custom_request_headers_attributes as collect_custom_request_headers_attributes,
    collect_custom_response_headers_attributes as collect_custom_response_headers_attributes,
    collect_request_attributes as collect_request_attributes,
    default_response_propagation_setter as default_response_propagation_setter,
    get_default_span_name as get_default_span_name,
    wsgi_getter as wsgi_getter,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
