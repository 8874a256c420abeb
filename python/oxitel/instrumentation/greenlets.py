"""The current context goes along into the greenlets of gevent and eventlet.

A greenlet begins with no contextvars at all, unlike a task of asyncio. What is put into it is the
OpenTelemetry context alone, as for threads.
"""

from __future__ import annotations

import contextvars
from functools import wraps
from logging import getLogger
from typing import Any

from opentelemetry import context

from .importing import when_imported

_logger = getLogger("opentelemetry.instrumentation.threading")
_is_active = False
# The modules that are instrumented, or will be when somebody imports them; never undone, but
# without effect while not active.
_watched: set[str] = set()


def instrument() -> None:
    """Begin, with gevent and eventlet as soon as they are imported."""
    global _is_active
    _is_active = True
    for name, hook in (("gevent", _instrument_gevent), ("eventlet.greenthread", _wrap_eventlet)):
        if name not in _watched:
            _watched.add(name)
            when_imported(name, hook)


def uninstrument() -> None:
    """Stop: greenlets that are made from now on begin without a context."""
    global _is_active
    _is_active = False


def _carry(greenlet: Any) -> bool:
    """Have the greenlet, which has not begun, run in the present context; whether there is one."""
    otel_context = context.get_current() if _is_active else None
    if not otel_context or greenlet.gr_context is not None:
        return False
    greenlet_context = contextvars.Context()
    greenlet_context.run(context.attach, otel_context)
    greenlet.gr_context = greenlet_context
    return True


def _forget(greenlet: Any) -> None:
    """A greenlet that has ended keeps nothing of its context, however long it is kept itself."""
    greenlet.gr_context = None


def _instrument_gevent(gevent: Any) -> None:
    def on_spawn(greenlet: Any) -> None:
        if _carry(greenlet):
            greenlet.rawlink(_forget)

    try:
        gevent.Greenlet.add_spawn_callback(on_spawn)
    except Exception:
        _logger.exception("gevent cannot be instrumented")


def _wrap_eventlet(greenthread: Any) -> None:
    try:
        init, spawn_n = greenthread.GreenThread.__init__, greenthread._spawn_n

        @wraps(init)
        def carrying_init(self: Any, *args: Any, **kwargs: Any) -> None:
            init(self, *args, **kwargs)
            if _carry(self):
                self.link(_forget)

        @wraps(spawn_n)
        def carrying_spawn_n(*args: Any, **kwargs: Any) -> Any:
            timer, greenlet = spawn_n(*args, **kwargs)
            _carry(greenlet)
            return timer, greenlet

        greenthread.GreenThread.__init__ = carrying_init
        greenthread._spawn_n = carrying_spawn_n
    except Exception:
        _logger.exception("eventlet cannot be instrumented")
