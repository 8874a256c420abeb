"""What a distribution is: it says what a program that is set up without code gets by default."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.metadata import EntryPoint
from typing import Any

from .instrumentor import BaseInstrumentor

__all__ = ["BaseDistro", "DefaultDistro"]


class BaseDistro(ABC):
    """A singleton. A subclass is found by the entry point `opentelemetry_distro`, and configured
    before providers and instrumentations are made."""

    _instance: BaseDistro | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    @abstractmethod
    def _configure(self, **kwargs: Any) -> None:
        """Set what the distribution wants, in the environment for instance."""

    def configure(self, **kwargs: Any) -> None:
        self._configure(**kwargs)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Switch on the instrumentation of an entry point; the arguments are those of
        `BaseInstrumentor.instrument`."""
        instrumentor: BaseInstrumentor = entry_point.load()()
        instrumentor.instrument(**kwargs)


class DefaultDistro(BaseDistro):
    """Sets nothing."""

    def _configure(self, **kwargs: Any) -> None:
        pass
