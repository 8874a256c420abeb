"""Official path of oxitel.logs.otlp_grpc."""

from oxitel.export.encode import encode_logs as encode_logs
from oxitel.export.grpc_compression import environ_to_compression as environ_to_compression
from oxitel.logs.exporter import (
    LogRecordExporter as LogRecordExporter,
    LogRecordExportResult as LogRecordExportResult,
)
from oxitel.logs.otlp_grpc import OTLPLogExporter as OTLPLogExporter
from oxitel.logs.record import ReadableLogRecord as ReadableLogRecord
