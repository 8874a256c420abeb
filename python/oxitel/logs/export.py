"""The processor that exports each log record as it is emitted, and the exporters to the console and
to memory. Official name: `opentelemetry.sdk._logs.export`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from enum import Enum
from logging import getLogger
from os import linesep
from typing import IO, TYPE_CHECKING

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,
    Context,
    attach,
    detach,
    get_current,
)
from typing_extensions import deprecated

from oxitel import _native
from oxitel.diagnostics.duplicate_filter import DuplicateFilter
from oxitel.diagnostics.mixture import notice_exporter
from oxitel.export.signal import LOGS
from oxitel.official_name import official
from oxitel.variables.sdk import INTERNAL_METRICS_ENABLED

from .exporter import LogRecordExporter, LogRecordExportResult
from .older_api import ON_EMIT_RECURSION_COUNT_KEY
from .processor import LogRecordProcessor

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from oxitel.self_observability.processor import ProcessedCounts

    from .record import ReadableLogRecord, ReadWriteLogRecord

_logger = getLogger("opentelemetry.sdk._logs._internal.export")
# An exporter that fails would otherwise be told of with every record.
_logger.addFilter(DuplicateFilter())
# What is said here must not become a record of the same processor.
_propagate_false_logger = getLogger(f"{_logger.name}.propagate.false")
_propagate_false_logger.propagate = False

_REMOVED = "Since logs are not stable yet this WILL be removed in future releases."
_DEEPEST = 3


@official("opentelemetry.sdk._logs._internal.export")
@deprecated(f"Use LogRecordExportResult. {_REMOVED}")
class LogExportResult(Enum):
    """How an export went."""

    SUCCESS = 0
    FAILURE = 1


@official("opentelemetry.sdk._logs._internal.export")
@deprecated(f"Use LogRecordExporter. {_REMOVED}")
class LogExporter(LogRecordExporter):
    """The older name of `LogRecordExporter`."""


@official("opentelemetry.sdk._logs._internal.export")
class SimpleLogRecordProcessor(LogRecordProcessor):
    """Exports each log record as it is emitted, on the thread that emitted it.

    An exporter whose export logs again is called again, three deep; what comes after is dropped.
    """

    def __init__(
        self, exporter: LogRecordExporter, *, meter_provider: MeterProvider | None = None
    ) -> None:
        notice_exporter(exporter)
        self._exporter = exporter
        self._shutdown = False
        self._processed: ProcessedCounts | None = None
        if INTERNAL_METRICS_ENABLED.read():
            from oxitel.self_observability import processor as self_metrics

            self._processed = self_metrics.ProcessedCounts(
                LOGS.name, "simple_log_processor", meter_provider
            )

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        current = get_current()
        count = current.get(ON_EMIT_RECURSION_COUNT_KEY)
        depth = count if isinstance(count, int) else 0
        if depth > _DEEPEST:
            _propagate_false_logger.warning(
                "SimpleLogRecordProcessor.on_emit has entered a recursive loop."
                " Dropping log and exiting the loop."
            )
            return
        marks = {ON_EMIT_RECURSION_COUNT_KEY: depth + 1, _SUPPRESS_INSTRUMENTATION_KEY: True}
        token = attach(Context(current | marks))
        try:
            if self._shutdown:
                _logger.warning("Processor is already shutdown, ignoring call")
                if self._processed is not None:
                    self._processed.add("already_shutdown")
                return
            if self._processed is not None:
                self._processed.add()
            self._exporter.export((_native.readable_log_record(log_record, kept=False),))
        except Exception:
            _logger.exception("Exception while exporting logs.")
        finally:
            detach(token)

    def shutdown(self) -> None:
        self._shutdown = True
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here, so nothing is to be done."""
        return True


@official("opentelemetry.sdk._logs._internal.export")
class ConsoleLogRecordExporter(LogRecordExporter):
    """Writes each log record to `out` as `formatter` makes it: indented JSON by default."""

    def __init__(
        self,
        out: IO[str] = sys.stdout,
        formatter: Callable[[ReadableLogRecord], str] = lambda record: record.to_json() + linesep,
    ) -> None:
        self.out = out
        self.formatter = formatter

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        for log_record in batch:
            self.out.write(self.formatter(log_record))
        self.out.flush()
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Every export has been flushed already."""
        return True


@official("opentelemetry.sdk._logs._internal.export")
@deprecated(f"Use ConsoleLogRecordExporter. {_REMOVED}")
class ConsoleLogExporter(ConsoleLogRecordExporter):
    """The older name of `ConsoleLogRecordExporter`."""


@official("opentelemetry.sdk._logs._internal.export.in_memory_log_exporter")
class InMemoryLogRecordExporter(LogRecordExporter):
    """Keeps the log records for tests to look at."""

    def __init__(self) -> None:
        self._logs: list[ReadableLogRecord] = []
        # A signal handler may log while this thread holds it.
        self._lock = threading.RLock()
        self._stopped = False

    def clear(self) -> None:
        """Forget the records."""
        with self._lock:
            self._logs.clear()

    def get_finished_logs(self) -> tuple[ReadableLogRecord, ...]:
        """The records in the order they were exported."""
        with self._lock:
            return tuple(self._logs)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Keep the records; FAILURE after `shutdown`."""
        if self._stopped:
            return LogRecordExportResult.FAILURE
        with self._lock:
            self._logs.extend(batch)
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Take no more records; those that are kept can still be had."""
        self._stopped = True

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here, so nothing is to be done."""
        return True


@official("opentelemetry.sdk._logs._internal.export.in_memory_log_exporter")
@deprecated(f"Use InMemoryLogRecordExporter. {_REMOVED}")
class InMemoryLogExporter(InMemoryLogRecordExporter):
    """The older name of `InMemoryLogRecordExporter`."""
