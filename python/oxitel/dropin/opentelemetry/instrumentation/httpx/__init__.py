"""Official path of oxitel.instrumentation.httpx."""

from importlib import import_module
from typing import Any

from oxitel.instrumentation import httpx as _own
from oxitel.instrumentation.httpx import (
    AsyncRequestHook as AsyncRequestHook,
    AsyncResponseHook as AsyncResponseHook,
    HTTPX2ClientInstrumentor as HTTPX2ClientInstrumentor,
    HTTPXClientInstrumentor as HTTPXClientInstrumentor,
    RequestHook as RequestHook,
    RequestInfo as RequestInfo,
    ResponseHook as ResponseHook,
    ResponseInfo as ResponseInfo,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__


def __getattr__(name: str) -> Any:
    if name == "_apply_request_client_attributes_to_span":
        from oxitel.instrumentation.httpx_names import _apply_request_client_attributes_to_span

        return _apply_request_client_attributes_to_span
    if name in ("_httpx_module", "_httpx2_module"):
        try:
            return import_module(name.removeprefix("_").removesuffix("_module"))
        except ImportError:
            return None
    return getattr(_own, name)
