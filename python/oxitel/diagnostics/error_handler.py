"""A context manager that hands an exception to registered handlers instead of raising it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from logging import getLogger
from types import TracebackType
from typing import Any

from oxitel.official_name import official

_logger = getLogger("opentelemetry.sdk.error_handler")


@official("opentelemetry.sdk.error_handler")
class ErrorHandler(ABC):
    """A handler for some exceptions, registered as entry point `opentelemetry_error_handler`.

    Its class also derives from the exception classes it wants to handle.
    """

    @abstractmethod
    def _handle(self, error: Exception, *args: Any, **kwargs: Any) -> None:
        """Handle an exception."""


class _DefaultErrorHandler(ErrorHandler):
    """Logs the exception; takes what no registered handler has handled."""

    def _handle(self, error: Exception, *args: Any, **kwargs: Any) -> None:
        _logger.exception("Error handled by default error handler: ")


@official("opentelemetry.sdk.error_handler")
class GlobalErrorHandler:
    """The one context manager that handles what is raised inside it; nothing leaves it.

    Making one returns the same object each time.
    """

    _instance: GlobalErrorHandler | None = None

    def __new__(cls) -> GlobalErrorHandler:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        if exc_value is None:
            return None
        if not self._handled_by_registered(exc_value):
            _DefaultErrorHandler()._handle(exc_value)  # type: ignore[arg-type]
        return True

    @staticmethod
    def _handled_by_registered(error: BaseException) -> bool:
        from opentelemetry.util._importlib_metadata import entry_points

        handled = False
        for entry_point in entry_points(group="opentelemetry_error_handler"):
            handler_class = entry_point.load()
            if not issubclass(handler_class, type(error)):
                continue
            try:
                handler_class()._handle(error)
                handled = True
            except Exception as failure:
                _logger.exception(
                    "%s error while handling error %s by error handler %s",
                    type(failure).__name__,
                    type(error).__name__,
                    handler_class.__name__,
                )
        return handled
