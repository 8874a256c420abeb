"""Official path of oxitel.instrumentation.httpx."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from oxitel.incidental import public
from oxitel.instrumentation import httpx as _own
from oxitel.instrumentation.httpx import (
    HTTPX2ClientInstrumentor as HTTPX2ClientInstrumentor,
    HTTPXClientInstrumentor as HTTPXClientInstrumentor,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

if TYPE_CHECKING:
    from oxitel.instrumentation.httpx_hooks import (
        AsyncRequestHook as AsyncRequestHook,
        AsyncResponseHook as AsyncResponseHook,
        RequestHook as RequestHook,
        RequestInfo as RequestInfo,
        ResponseHook as ResponseHook,
        ResponseInfo as ResponseInfo,
    )


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return public(__name__, __dir__())
    if name == "_apply_request_client_attributes_to_span":
        from oxitel.instrumentation.httpx_names import _apply_request_client_attributes_to_span

        return _apply_request_client_attributes_to_span
    if name in ("_httpx_module", "_httpx2_module"):
        try:
            return import_module(name.removeprefix("_").removesuffix("_module"))
        except ImportError:
            return None
    return getattr(_own, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_own.OF_HOOKS})
