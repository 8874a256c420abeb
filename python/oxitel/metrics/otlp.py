"""What the OTLP exporters for metrics over gRPC and HTTP have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel.diagnostics.mixture import notice_sdk, official_module
from oxitel.export.otlp import OtlpExporter
from oxitel.export.signal import METRICS
from oxitel.quantity import count_of, seconds_of

from .exporter import MetricExporter, MetricExportResult
from .preferences import preferred_aggregations, preferred_temporalities

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from .aggregation import Aggregation, AggregationTemporality
    from .point import MetricsData


class OtlpMetrics(OtlpExporter, MetricExporter):
    """The signal's part of an OTLP exporter for metrics.

    What `preferred_temporality` and `preferred_aggregation` leave out comes from
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE and
    OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION; a request has at most
    `max_export_batch_size` data points, or any number if that is None.
    """

    _signal = METRICS
    _result = MetricExportResult
    _max_export_batch_size: int | None = None
    _protocol: str
    _endpoint: str

    def _prefer(
        self,
        temporalities: Mapping[type, AggregationTemporality] | None,
        aggregations: Mapping[type, Aggregation] | None,
        max_export_batch_size: int | None,
    ) -> None:
        preferred_temporality = preferred_temporalities(temporalities)
        preferred_aggregation = preferred_aggregations(aggregations)
        official = notice_sdk(METRICS.sdk_module, self)
        if official is not None:
            from .of_another_sdk import in_classes_of

            preferred_temporality = in_classes_of(official, preferred_temporality)
            preferred_aggregation = in_classes_of(official, preferred_aggregation)
        MetricExporter.__init__(self, preferred_temporality, preferred_aggregation)
        size = 0 if max_export_batch_size is None else count_of(max_export_batch_size)
        if size > 0:
            self._max_export_batch_size = size

    def _encode(self, records: MetricsData) -> bytes:
        return _native.encode_metrics(records)

    def _send_natively(
        self, exporter: _native.Exporter, records: MetricsData, timeout_seconds: float
    ) -> bool:
        most = self._max_export_batch_size

        if self._metrics is None:
            return _native.export_metrics(exporter, records, timeout_seconds, most)

        def send(codes: list[str]) -> bool:
            succeeded = _native.export_metrics(exporter, records, timeout_seconds, most)
            for *_, is_failure, code in exporter.take_operations():
                if is_failure:
                    codes.append(code)
            return succeeded

        return self._metrics.running(self._count(records), send)

    def _parts(self, records: MetricsData) -> Iterable[MetricsData]:
        if self._max_export_batch_size is None:
            return (records,)
        from .division import divided

        return divided(records, self._max_export_batch_size)

    def _halves(self, records: MetricsData) -> tuple[MetricsData, MetricsData] | None:
        from .division import count_points, divided

        count = count_points(records)
        if count < 2:
            return None
        first, second = divided(records, (count + 1) // 2)
        return first, second

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Send the metrics and wait for the answer, at most the exporter's timeout and
        `timeout_millis`."""
        if official_module(METRICS.sdk_module) is not None:
            from .of_another_sdk import in_own_classes

            metrics_data = in_own_classes(metrics_data)
        limit = inf if timeout_millis is None else seconds_of(timeout_millis)
        succeeded = self._deliver(metrics_data, limit)
        return MetricExportResult.SUCCESS if succeeded else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing waits here, so nothing is to be done."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Give up what is being retried, and close the connection."""
        self._shut_down()

    def set_meter_provider(self, meter_provider: MeterProvider) -> None:
        """Make the metrics about this exporter with this provider's instruments, where they are
        switched on."""
        self._observe(self._protocol, self._endpoint, meter_provider)

    def _count(self, records: MetricsData) -> int:
        from .division import count_points

        snapshot = records._native_snapshot()
        return count_points(records) if snapshot is None else len(snapshot)
