"""What our two handlers of `logging` share: a record becomes native where nobody has changed it.

There are two, as there are two official ones: the SDK's, which is deprecated, in `sdk_handler`, and
that of `opentelemetry-instrumentation-logging` in `oxitel.instrumentation.logging_handler`.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping, Sequence
from time import time_ns
from typing import Any

from opentelemetry._logs import (
    LoggerProvider,
    LogRecord,
    NoOpLogger,
    SeverityNumber,
    get_logger,
    get_logger_provider,
)

from oxitel import _native
from oxitel.official_name import official

from .span_record import context_of

# https://docs.python.org/3/library/logging.html#logrecord-attributes
_RESERVED_ATTRS = frozenset(_native.LOGGING_ATTRIBUTES)
# What makes of a record what is emitted; in the place of one of these, others are called.
DONE_NATIVELY = ("emit", "filter", "_translate", "_get_attributes")
_BODIES = (type(None), bool, bytes, int, float, str, Sequence, Mapping)


@official("opentelemetry.sdk._logs._internal")
def std_to_otel(levelno: int) -> SeverityNumber:
    """The severity of a level of `logging`. Specification: logs data model, "SeverityNumber"."""
    return SeverityNumber(_native.severity_number(levelno))


class Handler(_native.LoggingHandler, logging.Handler):
    """What both handlers have in common.

    Records go to `_logger_provider` with the current span's ids. A message that cannot be made, or
    whatever else goes wrong, is said as `logging` says it (`Handler.handleError`), and never
    raised into the program.
    """

    # Whether a message that is no text stays what it is: a dict becomes a structured body.
    _keeps_objects = False

    def __init__(
        self, level: int, logger_provider: LoggerProvider | None, has_code_attributes: bool
    ) -> None:
        logging.Handler.__init__(self, level=level)
        self._logger_provider = logger_provider or get_logger_provider()
        is_own_class = "_is_own_class" in vars(type(self))
        self._set_up(is_own_class, self._keeps_objects, has_code_attributes)

    def _emit_objects(self, record: logging.LogRecord) -> None:
        """Emit by way of the official objects. Called natively, where somebody may want to see
        them: a processor, a subclass, another SDK's logger."""
        logger = get_logger(record.name, logger_provider=self._logger_provider)
        if not isinstance(logger, NoOpLogger):
            logger.emit(self._translate(record))

    def _translate(self, record: logging.LogRecord) -> LogRecord:
        raise NotImplementedError

    def _record(
        self,
        record: logging.LogRecord,
        body: Any,
        attributes: dict[str, Any],
        event_name: str | None,
    ) -> LogRecord:
        return LogRecord(
            timestamp=int(record.created * 1e9),
            observed_timestamp=time_ns(),
            context=context_of(record) or None,
            severity_text=_native.severity_text(record.levelname),
            severity_number=std_to_otel(record.levelno),
            body=body,
            attributes=attributes,
            event_name=event_name,
        )

    def _body(self, record: logging.LogRecord) -> Any:
        try:
            if self.formatter:
                return self.format(record)
            if self._keeps_objects and not record.args and not isinstance(record.msg, str):
                return record.msg if isinstance(record.msg, _BODIES) else str(record.msg)
            return record.getMessage()
        except Exception:
            self.handleError(record)
            return _text_of(record.msg)

    def handleError(self, record: logging.LogRecord) -> None:
        """As `logging` says it, and that it is not about one of the program's own handlers."""
        if logging.raiseExceptions and sys.stderr is not None:
            try:
                sys.stderr.write("OpenTelemetry's logging handler cannot read a log record:\n")
            except OSError:
                pass
        super().handleError(record)

    def _warn_of_recursion(self) -> None:
        """Called natively when a record is emitted by the handling of one that was emitted by the
        handling of another, and so on."""
        logger = _internal_logger()
        logger.warning(
            "LoggingHandler.emit detected recursive logging, skipping to prevent deadlock."
        )

    def _report(self, record: logging.LogRecord, error: Exception) -> None:
        """Called natively with what went wrong."""
        try:
            raise error
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Have the provider flush, in a thread: `logging` holds its locks when it asks for this.

        When the program ends, `logging` asks once more, after the providers' own shutdown. Nobody
        waits for a thread any more by then: it would be cut off wherever it is, with the locks it
        holds.
        """
        force_flush = getattr(self._logger_provider, "force_flush", None)
        if not callable(force_flush) or not threading.main_thread().is_alive():
            return
        try:
            threading.Thread(target=force_flush).start()
        except RuntimeError:
            # The system has no thread left; what there is will be delivered when it is due.
            pass


def _text_of(message: object) -> str:
    try:
        return str(message)
    except Exception:
        return f"<unprintable {type(message).__name__} object>"


def _internal_logger() -> logging.Logger:
    """A logger that writes to stderr and to nothing else, so that it cannot come back here."""
    logger = logging.getLogger("opentelemetry.instrumentation.logging.handler.internal")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
    return logger


def own_attributes(record: logging.LogRecord) -> dict[str, Any]:
    """What the program has added to a record."""
    return {key: value for key, value in vars(record).items() if key not in _RESERVED_ATTRS}


def add_code(attributes: dict[str, Any], record: logging.LogRecord) -> None:
    """Semantic conventions, "Source code"."""
    attributes["code.file.path"] = record.pathname
    attributes["code.function.name"] = record.funcName
    attributes["code.line.number"] = record.lineno


def add_exception(attributes: dict[str, Any], record: logging.LogRecord) -> None:
    """Semantic conventions, "Exceptions in logs", from `exc_info`."""
    if not record.exc_info:
        return
    from traceback import format_exception

    exception_type, exception, trace = record.exc_info
    if exception_type is not None:
        attributes["exception.type"] = exception_type.__name__
    if exception is not None and exception.args:
        try:
            attributes["exception.message"] = str(exception.args[0])
        except Exception:
            attributes["exception.message"] = "<exception str() failed>"
    if trace is not None:
        lines = format_exception(exception_type, exception, trace)
        attributes["exception.stacktrace"] = "".join(lines)
