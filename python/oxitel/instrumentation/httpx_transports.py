"""Transports of httpx and httpx2 that record what another transport sends, for those who put one
together themselves."""

from __future__ import annotations

from importlib import import_module
from types import TracebackType
from typing import Any

from . import httpx as instrumentation
from .http.arguments import hook_of
from .httpx import Instrumentation
from .httpx_hooks import RequestHook, ResponseHook


class _Transport:
    def __init__(
        self,
        transport: Any,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        request_hook: RequestHook | None = None,
        response_hook: ResponseHook | None = None,
    ) -> None:
        hooks = {"request_hook": request_hook, "response_hook": response_hook}
        usable = [hook_of(hooks, name) for name in hooks]
        instrumentation.transport_made()
        self._transport = transport
        self._instrumentation = Instrumentation(tracer_provider, meter_provider, *usable, *usable)


def _handle(transport: Any, request: Any) -> Any:
    return transport.handle_request(request)


def _handle_async(transport: Any, request: Any) -> Any:
    return transport.handle_async_request(request)


class _SyncTransport(_Transport):
    """Records what `transport` sends; the hooks are those of `HTTPXClientInstrumentor`."""

    def __enter__(self) -> Any:
        self._transport.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._transport.__exit__(exc_type, exc_value, traceback)

    def handle_request(self, request: Any) -> Any:
        return self._instrumentation.send(_handle, self._transport, request)

    def close(self) -> None:
        self._transport.close()


class _AsyncTransport(_Transport):
    """Records what `transport` sends; the hooks may be async."""

    async def __aenter__(self) -> Any:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._transport.__aexit__(exc_type, exc_value, traceback)

    async def handle_async_request(self, request: Any) -> Any:
        return await self._instrumentation.send_async(_handle_async, self._transport, request)

    async def aclose(self) -> None:
        await self._transport.aclose()


def is_instrumented(transport: Any) -> bool:
    return isinstance(transport, _Transport)


_BASES: dict[str, tuple[str, str, type[_Transport]]] = {
    "SyncOpenTelemetryTransport": ("httpx", "BaseTransport", _SyncTransport),
    "AsyncOpenTelemetryTransport": ("httpx", "AsyncBaseTransport", _AsyncTransport),
    "SyncOpenTelemetryTransportHttpx2": ("httpx2", "BaseTransport", _SyncTransport),
    "AsyncOpenTelemetryTransportHttpx2": ("httpx2", "AsyncBaseTransport", _AsyncTransport),
}


def __getattr__(name: str) -> Any:
    if name not in _BASES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, base, own = _BASES[name]
    try:
        library = import_module(module)
    except ImportError as error:
        raise AttributeError(f"{name} needs {module}, which is not installed") from error
    made = type(name, (own, getattr(library, base)), {"__doc__": own.__doc__})
    globals()[name] = made
    return made
