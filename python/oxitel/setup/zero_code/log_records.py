"""Exports log records without a handler on the root logger.

A handler there changes a program that does not know of it: `logging.warning` and loggers without
handlers print nothing any more, since there is a handler, and frameworks that see one either set
up no console (`logging.basicConfig`) or take all handlers away, ours among them (Celery).
"""

from __future__ import annotations

import logging

# Loggers that do not propagate to the root logger only because they print by themselves.
_PRINT_THEMSELVES = ("celery.task",)


def export_without_handler() -> None:
    """Take the handler of LoggingInstrumentor off the root logger; give it what would get there."""
    from oxitel.instrumentation.logging import LoggingInstrumentor

    handler = LoggingInstrumentor._logging_handler
    root = logging.getLogger()
    if handler is None or handler not in root.handlers:
        return
    root.removeHandler(handler)
    call_handlers = logging.Logger.callHandlers

    def callHandlers(self: logging.Logger, record: logging.LogRecord) -> None:
        call_handlers(self, record)
        # None after `LoggingInstrumentor().uninstrument()`.
        handler = LoggingInstrumentor._logging_handler
        if handler is not None and record.levelno >= handler.level and _reaches_root(self):
            handler.handle(record)

    logging.Logger.callHandlers = callHandlers  # type: ignore[method-assign]


def _reaches_root(logger: logging.Logger) -> bool:
    while logger.parent is not None:
        if not logger.propagate and logger.name not in _PRINT_THEMSELVES:
            return False
        logger = logger.parent
    return True
