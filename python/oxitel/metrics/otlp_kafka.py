"""The exporter for metrics to Kafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oxitel.export.kafka import KafkaExporter
from oxitel.export.otlp import unchanged_is_native

from .otlp import OtlpMetrics

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from .aggregation import Aggregation, AggregationTemporality


@unchanged_is_native
class KafkaMetricExporter(OtlpMetrics, KafkaExporter):
    """Sends metrics to a Kafka topic, `otlp_metrics` by default; the arguments are those of
    KafkaExporter and OtlpMetrics."""

    _protocol = "kafka"

    def __init__(
        self,
        brokers: str | Sequence[str] | None = None,
        topic: str | None = None,
        configuration: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        preferred_temporality: Mapping[type, AggregationTemporality] | None = None,
        preferred_aggregation: Mapping[type, Aggregation] | None = None,
        max_export_batch_size: int | None = None,
        *,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        KafkaExporter.__init__(
            self, brokers, topic, configuration, timeout, meter_provider=meter_provider
        )
        self._prefer(preferred_temporality, preferred_aggregation, max_export_batch_size)
