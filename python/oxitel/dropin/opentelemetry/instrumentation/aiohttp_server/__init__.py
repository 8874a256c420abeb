"""Official path of oxitel.instrumentation.aiohttp_server."""

from typing import Any

from oxitel.instrumentation.aiohttp_server import (
    AioHttpServerInstrumentor as AioHttpServerInstrumentor,
    create_aiohttp_middleware as create_aiohttp_middleware,
    create_instrumented_application as create_instrumented_application,
    middleware as middleware,
)
from oxitel.instrumentation.aiohttp_server_attributes import (
    AiohttpGetter as AiohttpGetter,
    _get_canonical_path as _get_canonical_path,
    collect_request_attributes as collect_request_attributes,
    collect_request_headers_attributes as collect_request_headers_attributes,
    collect_response_headers_attributes as collect_response_headers_attributes,
    get_default_span_name as get_default_span_name,
    getter as getter,
    set_status_code as set_status_code,
)
from oxitel.instrumentation.conventions import (
    active_request_attributes as _parse_active_request_count_attrs,
    duration_attributes as _parse_duration_attrs,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__


def __getattr__(name: str) -> Any:
    from oxitel.instrumentation import aiohttp_server

    return getattr(aiohttp_server, name)
