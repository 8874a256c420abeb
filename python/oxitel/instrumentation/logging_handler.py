"""The handler that `LoggingInstrumentor` adds to the root logger.

Official name: `opentelemetry.instrumentation.logging.handler`.
"""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Callable
from functools import wraps
from typing import Any

from opentelemetry._logs import LoggerProvider, LogRecord

from oxitel.logs.handler import DONE_NATIVELY, Handler, add_code, add_exception, own_attributes
from oxitel.official_name import official
from oxitel.own_methods import done_natively

# What replaces the functions of `logging` below is taken back from these.
_CONFIGURING = (
    (logging.config, "fileConfig"),
    (logging.config, "dictConfig"),
    (logging, "basicConfig"),
)


@official("opentelemetry.instrumentation.logging.handler")
@done_natively(*DONE_NATIVELY)
class LoggingHandler(Handler):
    """Sends records of `logging` to a logger provider, the global one if none is given."""

    _is_own_class = True

    def __init__(
        self,
        level: int = logging.NOTSET,
        logger_provider: LoggerProvider | None = None,
        log_code_attributes: bool = False,
    ) -> None:
        self._log_code_attributes = log_code_attributes
        super().__init__(level, logger_provider, log_code_attributes)

    def _get_attributes(self, record: logging.LogRecord) -> tuple[dict[str, Any], str | None]:
        attributes = own_attributes(record)
        event_name = attributes.pop("otel.event.name", None)
        # Deprecated, and no attribute either.
        deprecated_event_name = attributes.pop("event.name", None)
        if event_name is None:
            event_name = deprecated_event_name
        if self._log_code_attributes:
            add_code(attributes, record)
        add_exception(attributes, record)
        return attributes, event_name

    def _translate(self, record: logging.LogRecord) -> LogRecord:
        # In this order: what a formatter adds is an attribute, too.
        body = self._body(record)
        return self._record(record, body, *self._get_attributes(record))


def _setup_logging_handler(
    logger_provider: LoggerProvider, log_code_attributes: bool = False, level: int | None = None
) -> LoggingHandler:
    """Add a handler to the root logger, where the configuring functions of `logging` leave it."""
    handler = LoggingHandler(level or logging.NOTSET, logger_provider, log_code_attributes)
    logging.getLogger().addHandler(handler)
    _overwrite_logging_config_fns(handler)
    return handler


def _overwrite_logging_config_fns(handler: LoggingHandler) -> None:
    root = logging.getLogger()

    def without_handler(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def configure(*args: Any, **kwargs: Any) -> Any:
            # They would remove it, or do nothing because there is one.
            is_there = handler in root.handlers
            if is_there:
                root.handlers.remove(handler)
            try:
                return function(*args, **kwargs)
            finally:
                if is_there:
                    root.addHandler(handler)

        configure._oxitel_handler = handler  # type: ignore[attr-defined]
        return configure

    for module, name in _CONFIGURING:
        setattr(module, name, without_handler(getattr(module, name)))


def _remove_logging_handler(handler: LoggingHandler) -> None:
    """Undo `_setup_logging_handler`, as far as nobody has built on it since."""
    logging.getLogger().removeHandler(handler)
    for module, name in _CONFIGURING:
        function = getattr(module, name)
        if getattr(function, "_oxitel_handler", None) is handler:
            setattr(module, name, function.__wrapped__)
