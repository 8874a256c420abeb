"""The exporter for spans to Kafka."""

from __future__ import annotations

from oxitel.export.kafka import KafkaExporter
from oxitel.export.otlp import unchanged_is_native

from .otlp import OtlpSpans


@unchanged_is_native
class KafkaSpanExporter(KafkaExporter, OtlpSpans):
    """Sends spans to a Kafka topic, `otlp_spans` by default; the arguments are those of
    KafkaExporter."""
