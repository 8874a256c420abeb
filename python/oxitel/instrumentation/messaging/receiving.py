"""What a consumer has handed over: a span that is current while the program works on it.

It begins when the client returns a message (or a batch) and ends when the same task or thread asks
for the next one, leaves the loop, or closes the consumer. Contexts are compared, not trusted: what
the program itself made current since then stays as it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.context import Context, create_key
from opentelemetry.trace import Span, set_span_in_context

from .unfinished import Unfinished

_KEY = create_key("oxitel-received")
_NAME = "_oxitel_deliveries"

Report = Callable[[float], None]
"""Is told how long the work took, in seconds."""


class Delivery:
    """One message or batch that the program works on."""

    __slots__ = ("_pid", "_previous", "_report", "_started", "context", "is_over", "span")

    def __init__(self, span: Span, context: Context, report: Report | None) -> None:
        self.span = span
        self._report = report
        self._started = time.perf_counter()
        self.is_over = False
        self._pid = os.getpid()
        self._previous = ambient()
        mine = context_api.set_value(_KEY, self, set_span_in_context(span, context))
        self.context: Context | None = mine
        context_api.attach(mine)

    def finish(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        if context_api.get_current() is self.context:
            # By value, since a token cannot be given back in another task or thread.
            context_api.attach(self._previous)
            # It holds this object in turn; elsewhere it may still be current, and be recognised.
            self.context = None
        # A copy in a forked child is the parent's to end.
        if self._pid == os.getpid():
            seconds = time.perf_counter() - self._started
            self.span.end()
            if self._report is not None:
                self._report(seconds)

    @property
    def previous(self) -> Context:
        return self._previous


def ambient() -> Context:
    """The current context without deliveries that are over."""
    context = context_api.get_current()
    while (found := context.get(_KEY)) is not None:
        if not isinstance(found, Delivery) or found.context is not context or not found.is_over:
            break
        context = found.previous
    return context


class Deliveries:
    """The open deliveries of one consumer: one for each task or thread that reads from it."""

    __slots__ = ("__weakref__", "_is_gone", "_open")

    def __init__(self, is_gone: Callable[[Any], bool]) -> None:
        self._is_gone = is_gone
        self._open: dict[Any, Delivery] = {}

    @classmethod
    def of(cls, consumer: Any, is_gone: Callable[[Any], bool]) -> Deliveries:
        """A consumer's; they live and die with it."""
        found: Deliveries | None = consumer.__dict__.get(_NAME)
        if found is None:
            found = cls(is_gone)
            setattr(consumer, _NAME, found)
            _consumers.add(found)
        return found

    @staticmethod
    def existing(consumer: Any) -> Deliveries | None:
        return getattr(consumer, "__dict__", {}).get(_NAME)

    def begin(
        self, span: Span, context: Context, owner: Any, report: Report | None = None
    ) -> Delivery:
        """`owner` (a task or a thread) begins to work on something."""
        self._open[owner] = delivery = Delivery(span, context, report)
        return delivery

    @staticmethod
    def current(consumer: Any, owner: Any) -> Delivery | None:
        found = Deliveries.existing(consumer)
        return None if found is None else found._open.get(owner)

    def next(self, owner: Any) -> None:
        """`owner` asks for more: what it had is done, and what belonged to those who ended."""
        for other in list(self._open):
            if other is owner or self._is_gone(other):
                self._finish(other)

    def finish(self) -> None:
        for owner in list(self._open):
            self._finish(owner)

    def _finish(self, owner: Any) -> None:
        delivery = self._open.pop(owner, None)
        if delivery is not None:
            delivery.finish()

    def __del__(self) -> None:
        try:
            self.finish()
        except Exception:
            pass  # the interpreter may be on its way out


_consumers: Unfinished[Deliveries] = Unfinished(Deliveries.finish)


def finish_everything() -> None:
    """When the instrumentation is taken back."""
    _consumers.end_all()
