"""The peer's address on spans of HTTP clients that are built on `http.client`: `net.peer.ip`.

Only where a program switches `HttpClientInstrumentor` on; no span is made here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import context
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Span

if TYPE_CHECKING:
    from http.client import HTTPConnection

_logger = logging.getLogger("opentelemetry.util.http.httplib")
_KEY = "httpbase_instrumentation_state"
_wanted = False
_told: list[Callable[[], None]] = []


def is_wanted() -> bool:
    """Whether connections of `http.client` say whom they are connected to."""
    return _wanted


def when_wanted(tell: Callable[[], None]) -> None:
    """Have `tell` called whenever `is_wanted` says something else."""
    _told.append(tell)


def _want(wanted: bool) -> None:
    global _wanted
    _wanted = wanted
    for tell in _told:
        tell()


class HttpClientInstrumentor(BaseInstrumentor):
    """Has connections say whom they are connected to."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        from http.client import HTTPConnection

        from wrapt import wrap_function_wrapper

        wrap_function_wrapper(HTTPConnection, "send", _send)
        instrument_connect(HTTPConnection)

    def _uninstrument(self, **kwargs: Any) -> None:
        from http.client import HTTPConnection

        _want(False)
        unwrap(HTTPConnection, "send")
        unwrap(HTTPConnection, "connect")


def instrument_connect(module: type[Any], name: str = "connect") -> None:
    """Instrument a class with a `connect` of its own."""
    _want(True)
    from wrapt import wrap_function_wrapper

    wrap_function_wrapper(module, name, _connect)


def _connect(connect: Any, connection: Any, args: Any, kwargs: Any) -> Any:
    result = connect(*args, **kwargs)
    trysetip(connection, loglevel=logging.WARNING)
    return result


def _send(send: Any, connection: Any, args: Any, kwargs: Any) -> Any:
    is_done = trysetip(connection)
    result = send(*args, **kwargs)
    if not is_done:
        trysetip(connection, loglevel=logging.WARNING)
    return result


def trysetip(conn: HTTPConnection, loglevel: int = logging.DEBUG) -> bool:
    """Set the address on the spans that wait for it; False if there is no connection yet."""
    state: Any = context.get_value(_KEY)
    spans = [span for span in (state or {}).get("need_ip", ()) if span.is_recording()]
    if not spans:
        return True
    sock = None
    try:
        sock = conn.sock
        if sock is None:
            return False
        peer = sock.getpeername()
    except Exception:
        _logger.log(loglevel, "Failed to get peer address from %s", sock, exc_info=True)
        return True
    if peer and peer[0]:
        for span in spans:
            span.set_attribute("net.peer.ip", peer[0])
    return True


@contextmanager
def set_ip_on_next_http_connection(span: Span) -> Iterator[None]:
    """In the block, the next connection's peer becomes an attribute of `span`."""
    state: Any = context.get_value(_KEY)
    if state:
        spans = state["need_ip"]
        spans.append(span)
        try:
            yield
        finally:
            if span in spans:
                spans.remove(span)
        return
    token = context.attach(context.set_value(_KEY, {"need_ip": [span]}))
    try:
        yield
    finally:
        context.detach(token)
