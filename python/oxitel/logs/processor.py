"""LogRecordProcessor, which users may subclass, and the two that forward to several others.

On the hot path native code calls the processors of a `SynchronousMultiLogRecordProcessor`; the
methods here are for callers in Python and mean the same.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable
from logging import getLogger
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context

from oxitel import _native
from oxitel.export.multi_processor import Concurrent, Sequential
from oxitel.official_name import official
from oxitel.own_methods import done_natively

if TYPE_CHECKING:
    from oxitel.scope import InstrumentationScope

    from .record import ReadWriteLogRecord

_logger = getLogger("opentelemetry.sdk._logs._internal")


@official("opentelemetry.sdk._logs._internal")
@done_natively("on_emit")
class LogRecordProcessor(abc.ABC):
    """Is told of log records as they are emitted, on the thread where that happens.

    Its methods should neither block nor raise; what they raise is logged.
    """

    @abc.abstractmethod
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """`log_record` was emitted; it may be changed for the processors that come next."""

    def enabled(
        self,
        *,
        context: Context | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Whether a record like this would be of any use here."""
        return True

    @abc.abstractmethod
    def shutdown(self) -> None:
        """The provider was shut down; no more records come."""

    @abc.abstractmethod
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Export what was emitted. False if that failed or took longer than `timeout_millis`."""


class _AnyEnabled(LogRecordProcessor):
    """Is enabled if one of `_log_record_processors` is."""

    _log_record_processors: Any
    _reported: Any

    def enabled(
        self,
        *,
        context: Context | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        for processor in self._log_record_processors:
            try:
                if processor.enabled(
                    context=context,
                    instrumentation_scope=instrumentation_scope,
                    severity_number=severity_number,
                    event_name=event_name,
                ):
                    return True
            except Exception:
                # Rather a record too many than one too few.
                self._reported.log(processor, "enabled")
                return True
        return False


@official("opentelemetry.sdk._logs._internal")
@done_natively("on_emit")
class SynchronousMultiLogRecordProcessor(Sequential, _AnyEnabled):
    """Calls its processors one after the other, in the order they were added."""

    _logger = _logger
    _noun = "log record processor"

    def __init__(self) -> None:
        super().__init__()
        self._pipeline = _native.Pipeline("logs", self)

    @property
    def _log_record_processors(self) -> tuple[LogRecordProcessor, ...]:
        return self._processors

    @_log_record_processors.setter
    def _log_record_processors(self, processors: Iterable[LogRecordProcessor]) -> None:
        # Assigned to directly by programs that reorder or remove processors.
        self._processors = tuple(processors)
        self._pipeline.update()

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Call this processor too from now on, after the others."""
        with self._lock:
            self._log_record_processors = (*self._processors, log_record_processor)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._hand_over("on_emit", log_record)


@official("opentelemetry.sdk._logs._internal")
class ConcurrentMultiLogRecordProcessor(Concurrent, _AnyEnabled):
    """Calls its processors at the same time, in `max_workers` threads, and waits for all."""

    _logger = _logger
    _noun = "log record processor"
    _log_record_processors: tuple[LogRecordProcessor, ...]

    def __init__(self, max_workers: int = 2) -> None:
        self._log_record_processors = ()
        super().__init__(max_workers)

    def _all(self) -> tuple[LogRecordProcessor, ...]:
        return self._log_record_processors

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Call this processor too from now on, at the same time as the others."""
        with self._lock:
            self._log_record_processors += (log_record_processor,)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._hand_over("on_emit", log_record)
