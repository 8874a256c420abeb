"""The current context goes along into the greenlets of gevent and eventlet.

A greenlet begins with no contextvars at all, unlike a task of asyncio. What is put into it is the
OpenTelemetry context alone, as for threads.
"""

from __future__ import annotations

import contextvars
import sys
from functools import wraps
from logging import getLogger
from typing import Any

from opentelemetry import context
from wrapt import register_post_import_hook

_logger = getLogger("opentelemetry.instrumentation.threading")
_is_active = False
_is_waiting = False


def instrument() -> None:
    """Begin, with gevent and eventlet as soon as they are imported."""
    global _is_active, _is_waiting
    _is_active = True
    if not _is_waiting:
        _is_waiting = True
        register_post_import_hook(_instrument_gevent, "gevent.greenlet")
        register_post_import_hook(_instrument_eventlet, "eventlet.greenthread")
    else:
        for name, hook in (
            ("gevent.greenlet", _instrument_gevent),
            ("eventlet.greenthread", _instrument_eventlet),
        ):
            if name in sys.modules:
                hook(sys.modules[name])


def uninstrument() -> None:
    """Stop: greenlets that are made from now on begin without a context."""
    global _is_active
    _is_active = False


def _carry(greenlet: Any) -> None:
    """Have the greenlet, which has not begun, run in the present context."""
    otel_context = context.get_current()
    if otel_context and greenlet.gr_context is None:
        greenlet_context = contextvars.Context()
        greenlet_context.run(context.attach, otel_context)
        greenlet.gr_context = greenlet_context


def _on_spawn(greenlet: Any) -> None:
    if _is_active:
        _carry(greenlet)


def _instrument_gevent(module: Any) -> None:
    try:
        module.Greenlet.add_spawn_callback(_on_spawn)
    except Exception:
        _logger.exception("gevent cannot be instrumented")


def _instrument_eventlet(module: Any) -> None:
    try:
        init, spawn_n = module.GreenThread.__init__, module._spawn_n
        if getattr(spawn_n, "_oxitel", False):
            return

        @wraps(init)
        def carrying_init(self: Any, *args: Any, **kwargs: Any) -> None:
            init(self, *args, **kwargs)
            if _is_active:
                _carry(self)

        @wraps(spawn_n)
        def carrying_spawn_n(*args: Any, **kwargs: Any) -> Any:
            timer, greenlet = spawn_n(*args, **kwargs)
            if _is_active:
                _carry(greenlet)
            return timer, greenlet

        carrying_spawn_n._oxitel = True  # type: ignore[attr-defined]
        module.GreenThread.__init__ = carrying_init
        module._spawn_n = carrying_spawn_n
    except Exception:
        _logger.exception("eventlet cannot be instrumented")
