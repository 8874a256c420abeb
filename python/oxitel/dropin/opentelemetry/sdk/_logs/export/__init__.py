"""Official path of oxitel.logs.export."""

from opentelemetry.sdk._logs._internal.export import (
    BatchLogRecordProcessor as BatchLogRecordProcessor,
    ConsoleLogExporter as ConsoleLogExporter,
    ConsoleLogRecordExporter as ConsoleLogRecordExporter,
    LogExporter as LogExporter,
    LogExportResult as LogExportResult,
    LogRecordExporter as LogRecordExporter,
    LogRecordExportResult as LogRecordExportResult,
    SimpleLogRecordProcessor as SimpleLogRecordProcessor,
)
from opentelemetry.sdk._logs._internal.export.in_memory_log_exporter import (
    InMemoryLogExporter as InMemoryLogExporter,
    InMemoryLogRecordExporter as InMemoryLogRecordExporter,
)

__all__ = [
    "BatchLogRecordProcessor",
    "ConsoleLogExporter",
    "ConsoleLogRecordExporter",
    "InMemoryLogExporter",
    "InMemoryLogRecordExporter",
    "LogExportResult",
    "LogExporter",
    "LogRecordExportResult",
    "LogRecordExporter",
    "SimpleLogRecordProcessor",
]
