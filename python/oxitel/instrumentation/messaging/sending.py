"""A message on its way to the broker: its span is open until the broker has answered."""

from __future__ import annotations

import atexit
import os
from typing import Any

from opentelemetry.trace import Span, Status, StatusCode

from .attributes import ERROR_TYPE, PARTITION_ID, position_attributes

# Spans that nobody may ever end: a program need not wait for the acknowledgements of its last
# messages. They are ended at exit, before the provider's queue is emptied.
_waiting: set[Sending] = set()
_is_registered = False


class Sending:
    """One message's span. Whoever answers first counts; nothing raises."""

    __slots__ = ("_pid", "_topic", "span")

    def __init__(self, span: Span, topic: str) -> None:
        self.span = span
        self._topic = topic
        self._pid = os.getpid()

    def wait(self) -> None:
        """The answer comes later, on some thread."""
        global _is_registered
        if not _is_registered:
            _is_registered = True
            atexit.register(_end_waiting)
        _waiting.add(self)

    def acknowledged(self, partition: int | None, offset: int | None) -> None:
        if partition is not None:
            self.span.set_attribute(PARTITION_ID, str(partition))
            self.span.set_attributes(position_attributes(self._topic, partition, offset))
        self.end()

    def failed(self, error: Any) -> None:
        """Ends the span as an error: an exception, or a client's description of one."""
        name = error_type(error)
        self.span.set_attribute(ERROR_TYPE, name)
        if isinstance(error, BaseException):
            self.span.record_exception(error)
            name = type(error).__name__
        self.span.set_status(Status(StatusCode.ERROR, f"{name}: {error}"))
        self.end()

    def end(self) -> None:
        _waiting.discard(self)
        self.span.end()

    def end_here(self) -> None:
        # A copy in a forked child is the parent's to end.
        if self._pid == os.getpid():
            self.end()


def _end_waiting() -> None:
    for sending in list(_waiting):
        sending.end_here()


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
