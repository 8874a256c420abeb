"""The OTLP exporter for log records over HTTP with protobuf bodies.

Official name: `opentelemetry.exporter.otlp.proto.http._log_exporter.OTLPLogExporter`.
"""

from __future__ import annotations

from logging import getLogger

from oxitel.diagnostics.duplicate_filter import DuplicateFilter
from oxitel.export.http import HttpExporter
from oxitel.export.otlp import unchanged_is_native
from oxitel.official_name import official

from .otlp import OtlpLogRecords

_logger = getLogger("opentelemetry.exporter.otlp.proto.http._log_exporter")
# A failure that is logged becomes a record that fails, and so on.
_logger.addFilter(DuplicateFilter())

DEFAULT_LOGS_EXPORT_PATH = "v1/logs"


@official("opentelemetry.exporter.otlp.proto.http._log_exporter")
@unchanged_is_native
class OTLPLogExporter(HttpExporter, OtlpLogRecords):
    """Sends log records to an OTLP receiver over HTTP; the arguments are those of HttpExporter."""

    _logger = _logger
