"""A message on its way to the broker: its span is open until the broker has answered."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import Span, Status, StatusCode

from .attributes import ERROR_TYPE, PARTITION_ID, position_attributes
from .unfinished import Unfinished

Report = Callable[[float | None, str | None], None]
"""Is told how long the broker took, in seconds, and the name of the error, once."""


class Sending:
    """One message's span. The first answer counts; nothing raises."""

    __slots__ = ("__weakref__", "_is_over", "_pid", "_report", "_started", "_topic", "span")

    def __init__(self, span: Span, topic: str, report: Report | None = None) -> None:
        self.span = span
        self._topic = topic
        self._report = report
        self._started = time.perf_counter()
        self._is_over = False
        self._pid = os.getpid()

    def is_watched(self) -> bool:
        """Whether anybody wants to know what the broker answers."""
        return self._report is not None or self.span.is_recording()

    def wait(self) -> None:
        """The answer comes later, on some thread, or never: a program need not wait for it."""
        _waiting.add(self)

    def acknowledged(self, partition: int | None, offset: int | None) -> None:
        if self._is_over:
            return
        if partition is not None:
            self.span.set_attribute(PARTITION_ID, str(partition))
            self.span.set_attributes(position_attributes(self._topic, partition, offset))
        self._end(time.perf_counter() - self._started, None)

    def failed(self, error: Any) -> None:
        """Ends the span as an error: an exception, or a client's description of one."""
        if self._is_over:
            return
        name = error_type(error)
        self.span.set_attribute(ERROR_TYPE, name)
        kind = name
        if isinstance(error, BaseException):
            self.span.record_exception(error)
            kind = type(error).__name__
        self.span.set_status(Status(StatusCode.ERROR, f"{kind}: {error}"))
        self._end(time.perf_counter() - self._started, name)

    def end(self) -> None:
        """Without an answer."""
        self._end(None, None)

    def _end(self, seconds: float | None, error: str | None) -> None:
        if not self._is_over:
            self._is_over = True
            _waiting.discard(self)
            self.span.end()
            if self._report is not None:
                self._report(seconds, error)

    def end_here(self) -> None:
        # A copy in a forked child is the parent's to end.
        if self._pid == os.getpid():
            self.end()

    def __del__(self) -> None:
        try:
            self.end_here()
        except Exception:
            pass  # the interpreter may be on its way out


_waiting: Unfinished[Sending] = Unfinished(Sending.end_here)


def error_type(error: Any) -> str:
    """The broker's name of an error (`NOT_ENOUGH_REPLICAS`), else the exception's class."""
    described = error.args[0] if isinstance(error, BaseException) and error.args else error
    name = getattr(described, "name", None)
    if callable(name):
        return str(name())
    # The Python clients' classes for what brokers answer.
    message = getattr(type(error), "message", None)
    if isinstance(message, str) and message.isupper():
        return message
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
