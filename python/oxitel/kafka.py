"""Exporters to Kafka, for the OpenTelemetry Collector's Kafka receiver (docs/otlp-kafka.md)."""

from oxitel.logs.otlp_kafka import KafkaLogExporter
from oxitel.metrics.otlp_kafka import KafkaMetricExporter
from oxitel.trace.otlp_kafka import KafkaSpanExporter

__all__ = ["KafkaLogExporter", "KafkaMetricExporter", "KafkaSpanExporter"]
