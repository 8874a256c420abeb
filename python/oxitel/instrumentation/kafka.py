"""KafkaInstrumentor: traces of kafka-python's producers and consumers.

Official name: `opentelemetry.instrumentation.kafka`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from types import ModuleType
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import get_tracer, set_span_in_context

from oxitel.official_name import official
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .instrumentor import Instrumentor
from .messaging.attributes import PARTITION_ID, Message, body_bytes, client_attributes, message_of
from .messaging.loop import Loop
from .messaging.metrics import messaging_metrics
from .messaging.receiving import finish_everything
from .messaging.sending import Sending
from .messaging.tracing import Attributes, Messaging, hook_of
from .patching import Call, Patches

_instruments = ("kafka-python >= 2.0, < 4.0",)

_NAME = "opentelemetry.instrumentation.kafka"
_SCHEMA_URL = "https://opentelemetry.io/schemas/1.11.0"
_logger = logging.getLogger(f"{_NAME}.utils")
# Records had no headers before.
_FIRST_WITH_HEADERS = (0, 11)
_CLIENT = "_oxitel_client"


@official("opentelemetry.instrumentation.kafka")
class KafkaInstrumentor(Instrumentor):
    """Instruments kafka-python.

    `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `produce_hook(span, args, kwargs)`: called before a message is sent, with the arguments of
      `KafkaProducer.send`;
    - `consume_hook(span, record, args, kwargs)`: called with each record received.

    What a hook raises is logged under `opentelemetry.instrumentation.kafka.utils`.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        global _producing, _consuming
        tracer = get_tracer(
            _NAME,
            OFFICIAL_CONTRIB_VERSION,
            kwargs.get("tracer_provider"),
            schema_url=_SCHEMA_URL,
        )
        metrics = messaging_metrics(_NAME, _SCHEMA_URL, kwargs.get("meter_provider"))
        messaging = Messaging(tracer, metrics, _logger, "receive", _older)
        _producing = _Producing(messaging, hook_of(kwargs.get("produce_hook")))
        _consuming = _Consuming(messaging, hook_of(kwargs.get("consume_hook")))
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        _patches.switch_off()
        finish_everything()


_CONSUMER_METHODS = ("__iter__", "__next__", "poll", "close")


def _client(instance: Any) -> Attributes:
    """The attributes of a producer or a consumer, made once."""
    found: Attributes | None = instance.__dict__.get(_CLIENT)
    if found is None:
        config = instance.config
        found = client_attributes(
            config.get("bootstrap_servers"), config.get("client_id"), config.get("group_id")
        )
        import json

        found["messaging.url"] = json.dumps(config.get("bootstrap_servers"), default=str)
        setattr(instance, _CLIENT, found)
    return found


def _older(operation: str, message: Message, instance: Any) -> Attributes:
    attributes: Attributes = {"messaging.destination": message.topic}
    if message.partition is not None:
        attributes["messaging.kafka.partition"] = message.partition
    return attributes


class KafkaPropertiesExtractor:
    """Reads the arguments of `KafkaProducer.send`, by place or by name."""

    @staticmethod
    def _extract_argument(
        key: str, position: int, default_value: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        return args[position] if len(args) > position else kwargs.get(key, default_value)

    @staticmethod
    def extract_bootstrap_servers(instance: Any) -> Any:
        return instance.config.get("bootstrap_servers")

    @staticmethod
    def extract_send_topic(args: Any, kwargs: dict[str, Any]) -> Any:
        return KafkaPropertiesExtractor._extract_argument("topic", 0, "unknown", args, kwargs)

    @staticmethod
    def extract_send_headers(args: Any, kwargs: dict[str, Any]) -> Any:
        return KafkaPropertiesExtractor._extract_argument("headers", 3, None, args, kwargs)

    @staticmethod
    def extract_send_partition(future: Any) -> int | None:
        """The partition that the producer chose; None where there is none (yet)."""
        try:
            partition: int | None = future._produce_future.topic_partition[1]
        except (AttributeError, IndexError, TypeError):
            return None
        return partition


class _Producing:
    """`KafkaProducer.send(topic, value, key, headers, partition, timestamp_ms)`."""

    def __init__(self, messaging: Messaging, hook: Any) -> None:
        self._messaging = messaging
        self._hook = hook

    def send(self, send: Any, producer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if not is_instrumentation_enabled():
            return send(*args, **kwargs)
        try:
            sending = self._start(producer, args, kwargs)
        except Exception:
            _logger.exception("Failed to trace a message that is sent")
            return send(*args, **kwargs)
        token = context_api.attach(set_span_in_context(sending.span))
        try:
            if _takes_headers(producer):
                if len(args) > 3:
                    args = (*args[:3], self._messaging.headers_for(sending, args[3]), *args[4:])
                else:
                    headers = self._messaging.headers_for(sending, kwargs.get("headers"))
                    kwargs["headers"] = headers
            self._messaging.call(self._hook, sending.span, args, kwargs)
            future = send(*args, **kwargs)
        except BaseException as error:
            sending.failed(error)
            raise
        finally:
            context_api.detach(token)
        _follow(sending, future)
        return future

    def _start(self, producer: Any, args: Any, kwargs: dict[str, Any]) -> Sending:
        argument = KafkaPropertiesExtractor._extract_argument
        message = Message(
            KafkaPropertiesExtractor.extract_send_topic(args, kwargs),
            argument("partition", 4, None, args, kwargs),
            None,
            argument("key", 2, None, args, kwargs),
            body_bytes(argument("value", 1, None, args, kwargs)),
            None,
        )
        return self._messaging.start_sending(producer, _client(producer), message)


def _takes_headers(producer: Any) -> bool:
    version = producer.config.get("api_version")
    return not isinstance(version, tuple) or version >= _FIRST_WITH_HEADERS


def _follow(sending: Sending, future: Any) -> None:
    """Ends the span when the broker has answered, on the producer's own thread."""
    if not sending.is_watched():
        return
    try:
        partition = KafkaPropertiesExtractor.extract_send_partition(future)
        if partition is not None:
            sending.span.set_attribute(PARTITION_ID, str(partition))
            sending.span.set_attribute("messaging.kafka.partition", partition)
        sending.wait()
        future.add_callback(lambda metadata: sending.acknowledged(metadata[1], metadata.offset))
        future.add_errback(sending.failed)
    except Exception:
        _logger.exception("Failed to follow a message that was sent")
        sending.end()


class _Consuming:
    """`for record in consumer`, `next(consumer)` and `KafkaConsumer.poll(…)`."""

    def __init__(self, messaging: Messaging, hook: Any) -> None:
        self._messaging = messaging
        self._hook = hook

    def iter(self, iterate: Any, consumer: Any, args: Any, kwargs: Any) -> Any:
        found = iterate(*args, **kwargs)
        return Loop(consumer, threading.current_thread) if found is consumer else found

    def next(self, next_record: Any, consumer: Any, args: Any, kwargs: Any) -> Any:
        owner = threading.current_thread()
        asked = self._messaging.next(consumer, owner)
        record = next_record(*args, **kwargs)
        if record is not None and is_instrumentation_enabled():
            try:
                span = self._messaging.receive(
                    consumer, _client(consumer), message_of(record), owner, asked
                )
                self._messaging.call(self._hook, span, record, args, kwargs)
            except Exception:
                _logger.exception("Failed to trace a record that was received")
        return record

    def poll(self, poll: Any, consumer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        # What iterating calls, to keep the positions itself.
        if kwargs.get("update_offsets") is False or (len(args) > 2 and args[2] is False):
            return poll(*args, **kwargs)
        owner = threading.current_thread()
        asked = self._messaging.next(consumer, owner)
        batches = poll(*args, **kwargs)
        if batches and is_instrumentation_enabled():
            try:
                records = [record for batch in batches.values() for record in batch]
                started = self._messaging.receive_batch(
                    consumer,
                    _client(consumer),
                    [message_of(record) for record in records],
                    owner,
                    asked,
                )
                self._messaging.end_messages(started, records, self._hook, args, kwargs)
            except Exception:
                _logger.exception("Failed to trace records that were received")
        return batches

    def close(self, close: Any, consumer: Any, args: Any, kwargs: Any) -> Any:
        self._messaging.close(consumer)
        return close(*args, **kwargs)


_producing: Any = None
_consuming: Any = None


def _patch(module: ModuleType) -> None:
    def consuming(name: str) -> Call:
        return lambda *call: getattr(_consuming, name)(*call)

    _patches.wrap_bound(module.KafkaProducer, "send", lambda *call: _producing.send(*call))
    for name in _CONSUMER_METHODS:
        _patches.wrap_bound(module.KafkaConsumer, name, consuming(name.strip("_")))


_patches = Patches({"kafka": _patch})
