"""The base of our instrumentors: the official one, but a library of an unknown version is tried."""

from __future__ import annotations

from logging import getLogger
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

_logger = getLogger("opentelemetry.instrumentation.instrumentor")
_said: set[str] = set()


class Instrumentor(BaseInstrumentor):
    """A singleton with `instrument(**arguments)` and `uninstrument()`, as the official class."""

    def _check_dependency_conflicts(self) -> Any:
        conflict = super()._check_dependency_conflicts()
        if conflict is None or not (conflict.found or getattr(conflict, "found_any", None)):
            return conflict
        text = f"{type(self).__name__}: {conflict}; tried nevertheless"
        if text not in _said:
            _said.add(text)
            _logger.warning("%s", text)
        return None
