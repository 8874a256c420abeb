"""Marks the current context so that nothing instrumented is traced while telemetry is exported."""

from __future__ import annotations

from contextvars import Token
from types import TracebackType

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,
    Context,
    attach,
    detach,
    set_value,
)


class Suppression:
    """A context manager in which instrumentations see that they should stay silent."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token: Token[Context] = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        detach(self._token)
