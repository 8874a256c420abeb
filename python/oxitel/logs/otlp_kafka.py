"""The exporter for log records to Kafka."""

from __future__ import annotations

from oxitel.export.kafka import KafkaExporter
from oxitel.export.otlp import unchanged_is_native

from .otlp import OtlpLogRecords


@unchanged_is_native
class KafkaLogExporter(KafkaExporter, OtlpLogRecords):
    """Sends log records to a Kafka topic, `otlp_logs` by default; the arguments are those of
    KafkaExporter."""
