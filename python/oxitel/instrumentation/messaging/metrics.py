"""Messages counted and timed, whether or not their spans are sampled.

https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/
"""

from __future__ import annotations

from typing import Any

from opentelemetry.metrics import Histogram, Meter, MeterProvider, get_meter, get_meter_provider

from oxitel.version import OFFICIAL_CONTRIB_VERSION

from . import attributes as names

# What the conventions advise.
_BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
# Of a client's attributes. Those of a single message would make a series each.
_OF_THE_CLIENT = (names.SYSTEM, "server.address", "server.port", names.CONSUMER_GROUP)


class MessagingMetrics:
    """The instruments of one instrumentation."""

    def __init__(self, meter: Meter, provider: MeterProvider | None) -> None:
        self._provider = provider
        self._operation = _seconds(
            meter,
            "messaging.client.operation.duration",
            "Duration of messaging operation initiated by a producer or consumer client.",
        )
        self._process = _seconds(
            meter, "messaging.process.duration", "Duration of processing operation."
        )
        self._sent = meter.create_counter(
            "messaging.client.sent.messages",
            "{message}",
            "Number of messages producer attempted to send to the broker.",
        )
        self._consumed = meter.create_counter(
            "messaging.client.consumed.messages",
            "{message}",
            "Number of messages that were delivered to the application.",
        )

    def is_on(self) -> bool:
        """Whether somebody collects: a provider of an SDK's is there."""
        provider = self._provider or get_meter_provider()
        return not type(provider).__module__.startswith("opentelemetry.metrics")

    def sent(
        self, client: dict[str, Any], topic: str, seconds: float | None, error: str | None
    ) -> None:
        """`seconds` until the broker answered; None where that was not heard of."""
        attributes = _attributes(client, "send", topic)
        if error is not None:
            attributes[names.ERROR_TYPE] = error
        self._sent.add(1, attributes)
        if seconds is not None:
            self._operation.record(seconds, {**attributes, names.OPERATION_TYPE: "send"})

    def consumed(
        self, client: dict[str, Any], operation: str, topics: dict[str, int], seconds: float
    ) -> None:
        """`seconds` that the client's call took; `topics` with the number of their messages."""
        for topic, count in topics.items():
            self._consumed.add(count, _attributes(client, operation, topic))
        only = next(iter(topics)) if len(topics) == 1 else None
        attributes = _attributes(client, operation, only)
        attributes[names.OPERATION_TYPE] = "receive"
        self._operation.record(seconds, attributes)

    def processed(self, client: dict[str, Any], topic: str | None, seconds: float) -> None:
        self._process.record(seconds, _attributes(client, "process", topic))


def messaging_metrics(
    name: str, schema_url: str, provider: MeterProvider | None = None
) -> MessagingMetrics:
    """An instrumentation's, by its name; of the global provider if none is given."""
    meter = get_meter(name, OFFICIAL_CONTRIB_VERSION, provider, schema_url)
    return MessagingMetrics(meter, provider)


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        name, "s", description, explicit_bucket_boundaries_advisory=list(_BOUNDARIES)
    )


def _attributes(client: dict[str, Any], operation: str, topic: str | None) -> dict[str, Any]:
    attributes = {name: client[name] for name in _OF_THE_CLIENT if name in client}
    attributes[names.OPERATION_NAME] = operation
    if topic is not None:
        attributes[names.DESTINATION_NAME] = topic
    return attributes
