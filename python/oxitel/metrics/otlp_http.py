"""The OTLP exporter for metrics over HTTP with protobuf bodies.

Official name: `opentelemetry.exporter.otlp.proto.http.metric_exporter.OTLPMetricExporter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from logging import getLogger
from typing import TYPE_CHECKING, Any

from oxitel.export.http import HttpExporter
from oxitel.export.otlp import unchanged_is_native
from oxitel.official_name import official

from .otlp import OtlpMetrics

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from requests import Session

    from oxitel.export.http import CommonCompression, Compression

    from .aggregation import Aggregation, AggregationTemporality

DEFAULT_METRICS_EXPORT_PATH = "v1/metrics"


@official("opentelemetry.exporter.otlp.proto.http.metric_exporter")
@unchanged_is_native
class OTLPMetricExporter(OtlpMetrics, HttpExporter):
    """Sends metrics to an OTLP receiver over HTTP; the arguments are those of HttpExporter and
    OtlpMetrics."""

    _protocol = "http"
    _logger = getLogger("opentelemetry.exporter.otlp.proto.http.metric_exporter")

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
        preferred_temporality: Mapping[type, AggregationTemporality] | None = None,
        preferred_aggregation: Mapping[type, Aggregation] | None = None,
        max_export_batch_size: int | None = None,
        *,
        max_request_size: int | None = None,
        meter_provider: MeterProvider | None = None,
        _transport: Any = None,
    ) -> None:
        HttpExporter.__init__(
            self,
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
        self._prefer(preferred_temporality, preferred_aggregation, max_export_batch_size)
