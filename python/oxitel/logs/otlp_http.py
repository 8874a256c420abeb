"""The OTLP exporter for log records over HTTP with protobuf bodies.

Official name: `opentelemetry.exporter.otlp.proto.http._log_exporter.OTLPLogExporter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from logging import getLogger
from typing import TYPE_CHECKING, Any

from oxitel.diagnostics.duplicate_filter import DuplicateFilter
from oxitel.export.http import HttpExporter
from oxitel.export.otlp import unchanged_is_native

from .otlp import OtlpLogRecords

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from requests import Session

    from oxitel.export.http import CommonCompression, Compression

_logger = getLogger("opentelemetry.exporter.otlp.proto.http._log_exporter")
# A failure that is logged becomes a record that fails, and so on.
_logger.addFilter(DuplicateFilter())

DEFAULT_LOGS_EXPORT_PATH = "v1/logs"


@unchanged_is_native
class OTLPLogExporter(HttpExporter, OtlpLogRecords):
    """Sends log records to an OTLP receiver over HTTP; the arguments are those of HttpExporter."""

    _logger = _logger

    def __init__(
        self,
        endpoint: str | None = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        compression: Compression | CommonCompression | None = None,
        session: Session | None = None,
        *,
        max_request_size: int | None = None,
        meter_provider: MeterProvider | None = None,
        _transport: Any = None,
    ) -> None:
        super().__init__(
            endpoint,
            certificate_file,
            client_key_file,
            client_certificate_file,
            headers,
            timeout,
            compression,
            session,
            max_request_size=max_request_size,
            meter_provider=meter_provider,
            _transport=_transport,
        )
