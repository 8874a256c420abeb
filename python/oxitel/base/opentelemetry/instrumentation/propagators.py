"""How a server tells its caller which trace a request is part of: in the response's headers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators import textmap

_HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS = "Access-Control-Expose-Headers"
# What is set for the process; servers' instrumentations ask for it in every request.
_RESPONSE_PROPAGATOR: ResponsePropagator | None = None


def get_global_response_propagator() -> ResponsePropagator | None:
    return _RESPONSE_PROPAGATOR


def set_global_response_propagator(propagator: ResponsePropagator | None) -> None:
    global _RESPONSE_PROPAGATOR
    _RESPONSE_PROPAGATOR = propagator


class Setter(ABC):
    """Puts a header on a response of whatever kind."""

    @abstractmethod
    def set(self, carrier: Any, key: str, value: str) -> None: ...


class DictHeaderSetter(Setter):
    """For a mapping: what a header has already stays in front."""

    def set(self, carrier: Any, key: str, value: str) -> None:
        before = carrier.get(key)
        carrier[key] = f"{before}, {value}" if before else value


class FuncSetter(Setter):
    """For whatever a function can put a header on: `FuncSetter(Response.add_header)`."""

    def __init__(self, func: Callable[[Any, str, str], Any]) -> None:
        self._function = func

    def set(self, carrier: Any, key: str, value: str) -> None:
        self._function(carrier, key, value)


default_setter = DictHeaderSetter()


class ResponsePropagator(ABC):
    """Writes the current span of a context into the headers of a response."""

    @abstractmethod
    def inject(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: Any = default_setter,
    ) -> None: ...


class TraceResponsePropagator(ResponsePropagator):
    """The header `traceresponse`, a draft of the W3C's. Scripts in a browser may read it too."""

    def inject(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: Any = default_setter,
    ) -> None:
        span = trace.get_current_span(context).get_span_context()
        if not span.is_valid:
            return
        name = "traceresponse"
        value = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
        setter.set(carrier, name, value)
        setter.set(carrier, _HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS, name)
