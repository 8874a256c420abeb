"""Official path of oxitel.logs.otlp_http."""

from oxitel.duplicate_filter import DuplicateFilter as DuplicateFilter
from oxitel.export.encode import encode_logs as encode_logs
from oxitel.export.http import (
    DEFAULT_COMPRESSION as DEFAULT_COMPRESSION,
    DEFAULT_ENDPOINT as DEFAULT_ENDPOINT,
    DEFAULT_TIMEOUT as DEFAULT_TIMEOUT,
    Compression as Compression,
)
from oxitel.logs.exporter import (
    LogRecordExporter as LogRecordExporter,
    LogRecordExportResult as LogRecordExportResult,
)
from oxitel.logs.otlp_http import (
    DEFAULT_LOGS_EXPORT_PATH as DEFAULT_LOGS_EXPORT_PATH,
    OTLPLogExporter as OTLPLogExporter,
)
from oxitel.logs.record import ReadableLogRecord as ReadableLogRecord
