"""The OTLP exporter for spans over HTTP with protobuf bodies.

Official name: `opentelemetry.exporter.otlp.proto.http.trace_exporter.OTLPSpanExporter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from logging import getLogger
from typing import TYPE_CHECKING, Any

from oxitel.export.http import HttpExporter
from oxitel.export.otlp import unchanged_is_native

from .otlp import OtlpSpans

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from requests import Session

    from oxitel.export.http import CommonCompression, Compression

DEFAULT_TRACES_EXPORT_PATH = "v1/traces"


@unchanged_is_native
class OTLPSpanExporter(HttpExporter, OtlpSpans):
    """Sends spans to an OTLP receiver over HTTP; the arguments are those of HttpExporter."""

    _logger = getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")

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
