"""What the exporters to Kafka have in common.

Topics, keys and messages are those that the OpenTelemetry Collector's Kafka receiver takes by
default: a message is an OTLP request, and of spans those of one trace, keyed by its id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from logging import getLogger
from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel.diagnostics.duplicate_filter import DuplicateFilter
from oxitel.quantity import count_of, seconds_of
from oxitel.variables import kafka as variables

from .headers import from_text
from .otlp import OtlpExporter, seconds

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

_logger = getLogger("oxitel.kafka")
# A failure that is logged becomes a record that fails, and so on.
_logger.addFilter(DuplicateFilter())

# As the Collector calls it: an `Export…ServiceRequest` in protobuf.
ENCODING = "otlp_proto"
_DEFAULT_MESSAGE_BYTES = 1_000_000
# What a message takes besides its body.
_MESSAGE_OVERHEAD = 512


class KafkaExporter(OtlpExporter):
    """Sends records to a Kafka topic through confluent-kafka, which has to be installed
    (`pip install 'oxitel[kafka]'`).

    `brokers` are `host:port`, in a list or separated by commas; `configuration` has properties of
    the client, librdkafka (`security.protocol`, `sasl.password`, `compression.type`, …); `timeout`
    is in seconds, for an export with all its retries. What is None comes from OXITEL_KAFKA_*. An
    export has succeeded when the broker has acknowledged all of its messages.
    """

    _protocol = "kafka"
    _logger = _logger

    def __init__(
        self,
        brokers: str | Sequence[str] | None = None,
        topic: str | None = None,
        configuration: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        *,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        given = _configuration(configuration)
        own_brokers = given.pop("bootstrap.servers", None)
        if brokers is not None and not isinstance(brokers, str):
            brokers = ",".join(brokers)
        self._brokers = brokers or own_brokers or variables.KAFKA_BROKERS.read()
        self._topic = topic or variables.KAFKA_TOPICS[self._signal.variables].read()
        self._timeout = variables.KAFKA_TIMEOUT.read()
        if timeout is not None:
            self._timeout = seconds(timeout, self._timeout, _logger)
        self._endpoint = _destination(self._brokers, self._topic)
        timeout_millis = min(max(seconds_of(self._timeout * 1000) * 1000, 1.0), 2.0**31 - 1)
        settled = {
            "client.id": "oxitel",
            "message.timeout.ms": int(timeout_millis),
            **given,
            "bootstrap.servers": self._brokers,
        }
        if self._is_usable(settled):
            from .kafka_client import KafkaClient

            limit = count_of(given.get("message.max.bytes", _DEFAULT_MESSAGE_BYTES))
            self._native = _native.Exporter.carried(
                self._signal.name,
                self._endpoint,
                self._timeout,
                max(limit - _MESSAGE_OVERHEAD, 1),
                partial(KafkaClient, settled, self._topic),
            )
        self._observe("kafka", self._brokers.split(",")[0], meter_provider)

    def _is_usable(self, configuration: dict[str, Any]) -> bool:
        """Whether there is a client, and it can be made so; what is wrong is said."""
        try:
            from confluent_kafka import KafkaException

            from .kafka_client import KafkaClient, without_secrets
        except ImportError as error:
            self._say_unusable(
                f"confluent-kafka is not to be had ({error}); pip install 'oxitel[kafka]'"
            )
            return False
        # Connects to nobody. Clients are made where they are used: they do not live through forks.
        alone = {name: value for name, value in configuration.items() if name != _BROKERS}
        try:
            KafkaClient(alone, self._topic).close()
        except KafkaException as error:
            problem = without_secrets(error.args[0].str(), configuration)
        except Exception as error:
            # Its text may have a value in it.
            problem = f"{type(error).__name__} in its configuration"
        else:
            return True
        self._say_unusable(problem)
        return False

    def _say_unusable(self, problem: str) -> None:
        records = self._signal.records.capitalize()
        # One text each: the filter says the same format once in a while only.
        _logger.error(f"{records} cannot be exported to {self._endpoint}: {problem}")

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Give up what is being retried, and close the connections."""
        self._shut_down()


_BROKERS = "bootstrap.servers"


def _configuration(argument: Mapping[str, Any] | None) -> dict[str, Any]:
    """The client's properties: those of the variable, and over them those of the argument."""
    variable = variables.KAFKA_CONFIGURATION
    text = variable.read()
    found: dict[str, Any] = {}
    if text is not None:
        found.update(from_text(text, variable.name, _logger))
    found.update(argument or {})
    return found


def _destination(brokers: str, topic: str) -> str:
    """Where messages go: the same for the same brokers in another order. Nothing before an `@`,
    which has no place here, is shown."""
    named = sorted(
        re.sub(r".*[@/]", "", broker.strip()) for broker in brokers.split(",") if broker.strip()
    )
    return f"kafka://{','.join(named)}/{topic}"
