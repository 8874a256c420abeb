"""The SDK's handler of `logging`, which is deprecated: it keeps bodies that are no text."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from opentelemetry._logs import LoggerProvider, LogRecord

from oxitel.official_name import official
from oxitel.own_methods import done_natively

from .handler import DONE_NATIVELY, Handler, add_code, add_exception, own_attributes


@official("opentelemetry.sdk._logs._internal")
@done_natively(*DONE_NATIVELY)
class LoggingHandler(Handler):
    """Sends records of `logging` to a logger provider, the global one if none is given.

    Deprecated as the official one is: `opentelemetry.instrumentation.logging` has another.
    """

    _is_own_class = True
    _keeps_objects = True

    def __init__(
        self, level: int = logging.NOTSET, logger_provider: LoggerProvider | None = None
    ) -> None:
        super().__init__(level, logger_provider, has_code_attributes=True)
        warnings.warn(
            "`LoggingHandler` in `opentelemetry-sdk` is deprecated. Use the handler from"
            " `opentelemetry-instrumentation-logging` instead.",
            DeprecationWarning,
            stacklevel=2,
        )

    @staticmethod
    def _get_attributes(record: logging.LogRecord) -> dict[str, Any]:
        attributes = own_attributes(record)
        add_code(attributes, record)
        add_exception(attributes, record)
        return attributes

    def _translate(self, record: logging.LogRecord) -> LogRecord:
        # In this order: what a formatter adds is no attribute here.
        attributes = self._get_attributes(record)
        return self._record(record, self._body(record), attributes, None)
