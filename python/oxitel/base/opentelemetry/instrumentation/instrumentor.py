"""What every instrumentation of a library is: one object that switches it on and off."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from logging import getLogger
from typing import Any

from .dependencies import DependencyConflict, DependencyConflictError, get_dependency_conflicts

__all__ = ["BaseInstrumentor"]

_LOG = getLogger(__name__)


class BaseInstrumentor(ABC):
    """A singleton: whoever calls the class gets the object that knows whether it is on. A subclass
    says which library it is for, and how to patch it."""

    _instance: BaseInstrumentor | None = None
    _is_instrumented_by_opentelemetry = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        # A subclass of one that is made already shares its object, as officially.
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    @property
    def is_instrumented_by_opentelemetry(self) -> bool:
        return self._is_instrumented_by_opentelemetry

    @abstractmethod
    def instrumentation_dependencies(self) -> Collection[str]:
        """The requirements that have to be installed, as pip writes them: `["flask >= 1.0"]`."""

    def _instrument(self, **kwargs: Any) -> Any:
        """Patch the library; a subclass that does so elsewhere may leave this out."""
        return None

    @abstractmethod
    def _uninstrument(self, **kwargs: Any) -> Any:
        """Undo what `_instrument` did."""

    def _check_dependency_conflicts(self) -> DependencyConflict | None:
        return get_dependency_conflicts(self.instrumentation_dependencies())

    def instrument(self, **kwargs: Any) -> Any:
        """Switch it on with the library's own options; nothing happens where it is on already.

        A library that is missing, or of another version, is logged and left alone, or raises
        DependencyConflictError with `raise_exception_on_conflict=True`; with `skip_dep_check=True`
        nobody asks for it.
        """
        raises = kwargs.pop("raise_exception_on_conflict", False)
        is_checked = not kwargs.pop("skip_dep_check", False)
        name = type(self).__name__
        if self._is_instrumented_by_opentelemetry:
            _LOG.warning("%s.instrument() is ignored: it is on already", name)
            return None
        conflict = self._check_dependency_conflicts() if is_checked else None
        if conflict is not None:
            if raises:
                raise DependencyConflictError(conflict)
            _LOG.error(conflict._format_message(name))
            return None
        result = self._instrument(**kwargs)
        self._is_instrumented_by_opentelemetry = True
        return result

    def uninstrument(self, **kwargs: Any) -> Any:
        """Switch it off; nothing happens where it is off."""
        if not self._is_instrumented_by_opentelemetry:
            _LOG.warning("%s.uninstrument() is ignored: it is off", type(self).__name__)
            return None
        result = self._uninstrument(**kwargs)
        self._is_instrumented_by_opentelemetry = False
        return result
