"""Official path of oxitel.logs.export, under which other packages import it."""

from oxitel.incidental import incidental
from oxitel.logs.batch import BatchLogRecordProcessor as BatchLogRecordProcessor
from oxitel.logs.export import (
    ConsoleLogExporter as ConsoleLogExporter,
    ConsoleLogRecordExporter as ConsoleLogRecordExporter,
    LogExporter as LogExporter,
    LogExportResult as LogExportResult,
    SimpleLogRecordProcessor as SimpleLogRecordProcessor,
)
from oxitel.logs.exporter import (
    LogRecordExporter as LogRecordExporter,
    LogRecordExportResult as LogRecordExportResult,
)

__getattr__, __dir__ = incidental(__name__, loggers=("_logger",))
