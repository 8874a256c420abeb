"""Events as log records, for the API of events that `opentelemetry-api` had until 1.43: some
instrumentations of generative AI log by it. Official name: `opentelemetry.sdk._events`.

Importing this raises ModuleNotFoundError with a newer API, as the official module is missing there.
"""

from __future__ import annotations

import warnings
from time import time_ns
from typing import Any

import opentelemetry._events as api
from opentelemetry._logs import (
    LoggerProvider,
    LogRecord,
    NoOpLogger,
    SeverityNumber,
    get_logger_provider,
)

from oxitel.official_name import official

with warnings.catch_warnings():
    # Deriving from the API's classes is deprecated since 1.39, whoever does it.
    warnings.simplefilter("ignore", DeprecationWarning)

    @official("opentelemetry.sdk._events")
    class EventLogger(api.EventLogger):  # type: ignore[misc]
        """Emits events by a logger of `logger_provider`."""

        def __init__(
            self,
            logger_provider: LoggerProvider,
            name: str,
            version: str | None = None,
            schema_url: str | None = None,
            attributes: Any = None,
        ) -> None:
            super().__init__(name, version, schema_url, attributes)
            self._logger = logger_provider.get_logger(name, version, schema_url, attributes)

        def emit(self, event: Any) -> None:
            """Emit the event as a log record, of the current span unless it names another."""
            if isinstance(self._logger, NoOpLogger):
                return
            self._logger.emit(
                LogRecord(
                    timestamp=event.timestamp or time_ns(),
                    trace_id=event.trace_id,
                    span_id=event.span_id,
                    trace_flags=event.trace_flags,
                    severity_number=event.severity_number or SeverityNumber.INFO,
                    body=event.body,
                    attributes=event.attributes,
                )
            )

    @official("opentelemetry.sdk._events")
    class EventLoggerProvider(api.EventLoggerProvider):  # type: ignore[misc]
        """Makes event loggers of the loggers of a provider, of the global one if none is given."""

        def __init__(self, logger_provider: LoggerProvider | None = None) -> None:
            self._logger_provider: Any = logger_provider or get_logger_provider()

        def get_event_logger(
            self,
            name: str,
            version: str | None = None,
            schema_url: str | None = None,
            attributes: Any = None,
        ) -> EventLogger:
            """An event logger of an instrumentation scope."""
            return EventLogger(self._logger_provider, name, version, schema_url, attributes)

        def shutdown(self) -> None:
            """Shut the logger provider down."""
            self._logger_provider.shutdown()

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            """Export what was emitted. False if something was not delivered in `timeout_millis`."""
            return bool(self._logger_provider.force_flush(timeout_millis))


def set_event_logger_provider(provider: LoggerProvider) -> None:
    """Have the API's global event loggers emit by `provider`, unless the program has chosen."""
    if getattr(api, "_EVENT_LOGGER_PROVIDER", None) is not None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        api.set_event_logger_provider(EventLoggerProvider(provider))
