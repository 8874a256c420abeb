"""The variables of the exporter `otlp_kafka`."""

from __future__ import annotations

from .otlp import Seconds
from .variable import Variable

KAFKA_BROKERS = Variable(
    "OXITEL_KAFKA_BROKERS",
    "localhost:9092",
    "Brokers that `otlp_kafka` asks for the others, as `host:port`, separated by commas. See"
    " [OTLP through Kafka](otlp-kafka.md).",
)
KAFKA_TRACES_TOPIC = Variable(
    "OXITEL_KAFKA_TRACES_TOPIC", "otlp_spans", "The topic for spans, keyed by trace id."
)
KAFKA_METRICS_TOPIC = Variable(
    "OXITEL_KAFKA_METRICS_TOPIC", "otlp_metrics", "The topic for metrics."
)
KAFKA_LOGS_TOPIC = Variable("OXITEL_KAFKA_LOGS_TOPIC", "otlp_logs", "The topic for log records.")
KAFKA_CONFIGURATION = Variable(
    "OXITEL_KAFKA_CONFIGURATION",
    None,
    "Properties of the client, librdkafka, as `name=value` pairs separated by commas,"
    " percent-encoded: `security.protocol=sasl_ssl,sasl.mechanism=PLAIN,…`.",
    default_text="none",
)
KAFKA_TIMEOUT = Seconds(
    "OXITEL_KAFKA_TIMEOUT", 10.0, "Seconds for one export with all its retries."
)

KAFKA_TOPICS = {
    "TRACES": KAFKA_TRACES_TOPIC,
    "METRICS": KAFKA_METRICS_TOPIC,
    "LOGS": KAFKA_LOGS_TOPIC,
}
