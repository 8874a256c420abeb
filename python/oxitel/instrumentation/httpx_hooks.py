"""What the hooks of httpx are called with: imported with the first of them, since it takes as long
as to switch the instrumentation on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple


class RequestInfo(NamedTuple):
    """A request, as hooks see it."""

    method: bytes
    url: Any
    headers: Any
    stream: Any
    extensions: MutableMapping[str, Any] | None


class ResponseInfo(NamedTuple):
    """An answer, as hooks see it."""

    status_code: int
    headers: Any
    stream: Any
    extensions: MutableMapping[str, Any] | None


RequestHook = Callable[[Any, RequestInfo], None]
ResponseHook = Callable[[Any, RequestInfo, ResponseInfo], None]
AsyncRequestHook = Callable[[Any, RequestInfo], Awaitable[Any]]
AsyncResponseHook = Callable[[Any, RequestInfo, ResponseInfo], Awaitable[Any]]
