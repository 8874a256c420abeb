"""Puts the native propagators in the place of the API's own, where the program has those globally.

`opentelemetry.propagate` keeps the global propagator. What it holds is looked at when a provider is
made and when a tracer is asked for, and replaced if it is of exactly the API's classes: an
instance of a subclass may do something else, and stays.
"""

from __future__ import annotations

import sys
from logging import getLogger
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.propagators.textmap import TextMapPropagator

_API = "opentelemetry.propagate"
_seen: object = None


def make_native() -> None:
    """Replace the global propagator by its native equal, unless it was looked at before.

    Nothing is imported in a program that has not imported `opentelemetry.propagate`: there is
    nobody yet who could have asked for the global propagator.
    """
    global _seen
    api = sys.modules.get(_API)
    # Half imported, in another thread, it has none yet.
    present = getattr(api, "_HTTP_TEXT_FORMAT", None)
    if api is None or present is None or present is _seen:
        return
    _seen = present
    try:
        native = native_equal(present)
        if native is not None:
            # The first call looks up what it needs of the API.
            native.extract({})
    except Exception:
        # Only time is lost: what the API has does the same.
        getLogger("oxitel").debug("The API's own propagators stay in use", exc_info=True)
        return
    if native is not None:
        _seen = native
        api.set_global_textmap(native)


def native_equal(propagator: object) -> TextMapPropagator | None:
    """The native propagator that does what `propagator` does, None if there is none.

    A composite keeps its parts, the list itself, and so what is done to it later.
    """
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.propagators import composite
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    from .composite import CompositePropagator
    from .w3c import BaggagePropagator, TraceContextPropagator

    kind = type(propagator)
    if kind is composite.CompositePropagator and isinstance(propagator, kind):
        return CompositePropagator(propagator._propagators)
    if kind is TraceContextTextMapPropagator:
        return TraceContextPropagator()
    if kind is W3CBaggagePropagator:
        return BaggagePropagator()
    return None
