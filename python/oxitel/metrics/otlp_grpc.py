"""The OTLP exporter for metrics over gRPC.

Official name: `opentelemetry.exporter.otlp.proto.grpc.metric_exporter.OTLPMetricExporter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oxitel.export.grpc import GrpcExporter
from oxitel.export.otlp import unchanged_is_native
from oxitel.official_name import official

from .otlp import OtlpMetrics

if TYPE_CHECKING:
    from grpc import ChannelCredentials, Compression, StatusCode
    from opentelemetry.metrics import MeterProvider

    from .aggregation import Aggregation, AggregationTemporality
    from .point import MetricsData


@official("opentelemetry.exporter.otlp.proto.grpc.metric_exporter")
@unchanged_is_native
class OTLPMetricExporter(OtlpMetrics, GrpcExporter):
    """Sends metrics to an OTLP receiver over gRPC; the arguments are those of GrpcExporter and
    OtlpMetrics."""

    _protocol = "grpc"

    def __init__(
        self,
        endpoint: str | None = None,
        insecure: bool | None = None,
        credentials: ChannelCredentials | None = None,
        headers: Sequence[tuple[str, str]] | dict[str, str] | str | None = None,
        timeout: float | None = None,
        compression: Compression | str | None = None,
        preferred_temporality: Mapping[type, AggregationTemporality] | None = None,
        preferred_aggregation: Mapping[type, Aggregation] | None = None,
        max_export_batch_size: int | None = None,
        channel_options: tuple[tuple[str, Any], ...] | None = None,
        retryable_error_codes: Iterable[StatusCode] | None = None,
        *,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        GrpcExporter.__init__(
            self,
            endpoint,
            insecure,
            credentials,
            headers,
            timeout,
            compression,
            channel_options,
            retryable_error_codes,
            meter_provider=meter_provider,
        )
        self._prefer(preferred_temporality, preferred_aggregation, max_export_batch_size)

    def _split_metrics_data(self, metrics_data: MetricsData) -> Iterable[MetricsData]:
        return self._parts(metrics_data)
