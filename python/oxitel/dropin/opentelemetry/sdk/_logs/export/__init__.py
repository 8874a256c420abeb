"""Official path of oxitel.logs.export."""

from oxitel.logs.batch import BatchLogRecordProcessor as BatchLogRecordProcessor
from oxitel.logs.export import (
    ConsoleLogExporter as ConsoleLogExporter,
    ConsoleLogRecordExporter as ConsoleLogRecordExporter,
    InMemoryLogExporter as InMemoryLogExporter,
    InMemoryLogRecordExporter as InMemoryLogRecordExporter,
    LogExporter as LogExporter,
    LogExportResult as LogExportResult,
    SimpleLogRecordProcessor as SimpleLogRecordProcessor,
)
from oxitel.logs.exporter import (
    LogRecordExporter as LogRecordExporter,
    LogRecordExportResult as LogRecordExportResult,
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
