"""Official path of oxitel.instrumentation.asgi."""

from oxitel.instrumentation.asgi import (
    ClientRequestHook as ClientRequestHook,
    ClientResponseHook as ClientResponseHook,
    OpenTelemetryMiddleware as OpenTelemetryMiddleware,
    ServerRequestHook as ServerRequestHook,
)
from oxitel.instrumentation.asgi_attributes import (
    ASGIGetter as ASGIGetter,
    ASGISetter as ASGISetter,
    _collect_target_attribute as _collect_target_attribute,
    _decode_header_item as _decode_header_item,
    asgi_getter as asgi_getter,
    asgi_setter as asgi_setter,
    collect_custom_headers_attributes as collect_custom_headers_attributes,
    collect_request_attributes as collect_request_attributes,
    get_default_span_details as get_default_span_details,
    get_host_port_url_tuple as get_host_port_url_tuple,
    set_status_code as set_status_code,
)
from oxitel.instrumentation.conventions import (
    active_request_attributes as _parse_active_request_count_attrs,
    duration_attributes as _parse_duration_attrs,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
