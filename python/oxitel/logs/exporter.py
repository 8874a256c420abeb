"""LogRecordExporter, which users may subclass. Official name: `opentelemetry.sdk._logs.export`."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from enum import Enum
from typing import Any

from oxitel.official_name import official


@official("opentelemetry.sdk._logs._internal.export")
class LogRecordExportResult(Enum):
    """How an export went."""

    SUCCESS = 0
    FAILURE = 1


@official("opentelemetry.sdk._logs._internal.export")
class LogRecordExporter(abc.ABC):
    """Sends log records somewhere. A processor calls `export` of one exporter one at a time and
    logs what it raises."""

    @abc.abstractmethod
    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        """Send the `ReadableLogRecord`s, and say whether that worked."""

    @abc.abstractmethod
    def shutdown(self) -> None:
        """No more records come."""

    @abc.abstractmethod
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what `export` has taken and kept, within `timeout_millis`."""
