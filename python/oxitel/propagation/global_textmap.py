"""Has native code do the work of the API's own propagators, where the program has those globally.

`opentelemetry.propagate` keeps the global propagator. What it holds is looked at when a provider is
made and when a tracer is asked for. If it is of exactly one of the API's classes, it gets native
methods of its own and stays the object it is; an instance of a subclass may do something else, and
is left alone.
"""

from __future__ import annotations

import copyreg
import sys
from logging import getLogger
from typing import Any

from oxitel import _native

_API = "opentelemetry.propagate"
_seen: object = None


def make_native() -> None:
    """Give the global propagator native methods, unless it was looked at before.

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
        stand_in(present)
    except Exception:
        # Only time is lost: what the API has does the same.
        getLogger("oxitel").debug("The API's own propagators stay in use", exc_info=True)


def stand_in(propagator: Any) -> None:
    """Give a propagator of the API's native methods.

    A composite keeps its parts, the list itself, and so what is done to it later.
    """
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.propagators.composite import CompositePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    kind = type(propagator)
    if kind not in (CompositePropagator, TraceContextTextMapPropagator, W3CBaggagePropagator):
        return
    own = vars(propagator)
    if "inject" in own or "extract" in own:
        # Somebody has put others in their place, or we were here before.
        return
    if kind is CompositePropagator and "_propagators" not in own:
        return
    native = _native.CompositePropagator()
    native._stand_in(propagator)
    # The first call looks up what it needs of the API.
    native.extract({})
    propagator.inject, propagator.extract = native.inject, native.extract
    copyreg.dispatch_table.setdefault(kind, _reduce)


def _reduce(propagator: Any) -> tuple[Any, ...]:
    """A copy or pickle has methods and parts of its own: ours are of the first."""
    state = {
        name: value
        for name, value in vars(propagator).items()
        if type(getattr(value, "__self__", None)) is not _native.CompositePropagator
    }
    return copyreg.__newobj__, (type(propagator),), state  # type: ignore[attr-defined]
