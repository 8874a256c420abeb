"""The calls of confluent-kafka's producers and consumers, traced."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import Tracer, TracerProvider, get_tracer, set_span_in_context

from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .messaging.attributes import (
    PARTITION_ID,
    Message,
    body_bytes,
    client_attributes,
    message_of,
    said,
)
from .messaging.metrics import MessagingMetrics, messaging_metrics
from .messaging.sending import Sending
from .messaging.tasks import running_task
from .messaging.tracing import Attributes, Messaging

NAME = "opentelemetry.instrumentation.confluent_kafka"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.11.0"
logger = logging.getLogger(NAME)

_CLIENT = "_oxitel_client"
# `Producer.produce` by place; two names for the same.
_PRODUCE = ("topic", "value", "key", "partition", "callback", "on_delivery", "timestamp", "headers")
# `SerializingProducer.produce`.
_KEY_FIRST = ("topic", "key", "value", "partition", "on_delivery", "timestamp", "headers")

Callback = Callable[[Any, Any], Any]


class KafkaPropertiesExtractor:
    """Reads the arguments of `Producer.produce`, by place or by name, and the configuration."""

    @staticmethod
    def _extract_argument(
        key: str, position: int, default_value: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        return args[position] if len(args) > position else kwargs.get(key, default_value)

    @staticmethod
    def extract_bootstrap_servers(instance: Any) -> str | None:
        config = _configuration(instance)
        servers = config.get("bootstrap.servers") or config.get("metadata.broker.list")
        servers = servers or config.get("bootstrap_servers")
        if isinstance(servers, (list, tuple)):
            servers = ",".join(str(server) for server in servers)
        return servers

    @staticmethod
    def extract_produce_topic(args: Any, kwargs: dict[str, Any]) -> Any:
        return kwargs.get("topic") or (args[0] if args else "unknown")

    @staticmethod
    def extract_produce_headers(args: Any, kwargs: dict[str, Any]) -> Any:
        return KafkaPropertiesExtractor._extract_argument(
            "headers", _PRODUCE.index("headers"), None, args, kwargs
        )


def _configuration(instance: Any) -> dict[str, Any]:
    config = getattr(instance, "config", None)
    return config if isinstance(config, dict) else {}


def _client(instance: Any) -> Attributes:
    """The attributes of a producer or a consumer, made once."""
    found: Attributes | None = instance.__dict__.get(_CLIENT)
    if found is None:
        config = _configuration(instance)
        found = client_attributes(
            KafkaPropertiesExtractor.extract_bootstrap_servers(instance),
            config.get("client.id"),
            config.get("group.id"),
        )
        setattr(instance, _CLIENT, found)
    return found


def older(operation: str, message: Message, instance: Any) -> Attributes:
    attributes: Attributes = {
        "messaging.destination": message.topic,
        "messaging.destination_kind": "queue",
        "messaging.operation": "publish" if operation == "send" else operation,
    }
    if message.partition is not None:
        attributes["messaging.kafka.partition"] = message.partition
    return attributes


class Producing:
    """`Producer.produce`, and `SerializingProducer.produce` where `key_comes_first`."""

    def __init__(self, messaging: Messaging, hook: Any, key_comes_first: bool = False) -> None:
        self._messaging = messaging
        self._hook = hook
        self._names = _KEY_FIRST if key_comes_first else _PRODUCE

    def produce(self, produce: Any, producer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if not is_instrumentation_enabled() or len(args) > len(self._names):
            return produce(*args, **kwargs)
        try:
            sending = self._start(producer, args, kwargs)
        except Exception:
            self._messaging.logger.exception("Failed to trace a message that is sent")
            return produce(*args, **kwargs)
        token = context_api.attach(set_span_in_context(sending.span))
        try:
            # By name from the first that may be replaced on, where hooks find them.
            kwargs = {**dict(zip(self._names[4:], args[4:], strict=False)), **kwargs}
            args = args[:4]
            kwargs["headers"] = self._messaging.headers_for(sending, kwargs.get("headers"))
            self._messaging.call(self._hook, sending.span, args, kwargs)
            is_followed = sending.is_watched() and _follow(sending, producer, kwargs)
            result = produce(*args, **kwargs)
        except BaseException as error:
            sending.failed(error)
            raise
        finally:
            context_api.detach(token)
        if not is_followed:
            sending.end()
        return result

    def _start(self, producer: Any, args: Any, kwargs: dict[str, Any]) -> Sending:
        given = {**dict(zip(self._names, args, strict=False)), **kwargs}
        partition = given.get("partition", -1)
        message = Message(
            given.get("topic") or "unknown",
            # -1 lets the producer choose.
            partition if isinstance(partition, int) and partition >= 0 else None,
            None,
            given.get("key"),
            _size(given.get("value")),
            None,
        )
        return self._messaging.start_sending(producer, _client(producer), message)


def _size(value: Any) -> int | None:
    return len(value.encode()) if isinstance(value, str) else body_bytes(value)


def _follow(sending: Sending, producer: Any, kwargs: dict[str, Any]) -> bool:
    """Has the span end when the broker has answered. False where nobody would tell."""
    config = _configuration(producer)
    if str(config.get("delivery.report.only.error", False)).lower() in ("true", "1"):
        return False
    # Two names for one argument; the client looks at the first that was given, be it None.
    name = "callback" if "callback" in kwargs else "on_delivery"
    callback = kwargs.get(name)
    if callback is None:
        if not config:
            # Wrapped after it was made: a callback for this message would replace one in the
            # configuration, which cannot be read.
            return False
        callback = config.get("on_delivery")
    if callback is None or callable(callback):
        kwargs[name] = _Delivered(sending, callback)
        sending.wait()
        return True
    return False


class _Delivered:
    """The callback of one message: ends the span, then calls the user's."""

    __slots__ = ("_callback", "_sending")

    def __init__(self, sending: Sending, callback: Callback | None) -> None:
        self._sending = sending
        self._callback = callback

    def __call__(self, error: Any, message: Any) -> Any:
        try:
            partition = message.partition()
            if error is not None:
                self._sending.failed(error)
            else:
                if isinstance(partition, int):
                    self._sending.span.set_attribute("messaging.kafka.partition", partition)
                    self._sending.span.set_attribute(PARTITION_ID, str(partition))
                self._sending.acknowledged(partition, message.offset())
        except Exception:
            self._sending.end()
        if self._callback is not None:
            return self._callback(error, message)
        return None


class Consuming:
    """`poll`, which brings one message, and `consume`, which brings a list."""

    def __init__(self, messaging: Messaging, hook: Any) -> None:
        self._messaging = messaging
        self._hook = hook

    def poll(self, poll: Any, consumer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if _is_quiet(consumer):
            return poll(*args, **kwargs)
        owner = threading.current_thread()
        asked = self._messaging.next(consumer, owner)
        record = poll(*args, **kwargs)
        self._received(consumer, record, owner, asked, args, kwargs)
        return record

    def consume(self, consume: Any, consumer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if _is_quiet(consumer):
            return consume(*args, **kwargs)
        owner = threading.current_thread()
        asked = self._messaging.next(consumer, owner)
        records = consume(*args, **kwargs)
        self._received_batch(consumer, records, owner, asked, args, kwargs)
        return records

    def close(self, close: Any, consumer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        self._messaging.close(consumer)
        return close(*args, **kwargs)

    async def async_poll(self, poll: Any, consumer: Any, args: Any, kwargs: Any) -> Any:
        owner = running_task()
        asked = self._messaging.next(consumer, owner)
        record = await poll(*args, **kwargs)
        self._received(consumer, record, owner, asked, args, kwargs)
        return record

    async def async_consume(self, consume: Any, consumer: Any, args: Any, kwargs: Any) -> Any:
        owner = running_task()
        asked = self._messaging.next(consumer, owner)
        records = await consume(*args, **kwargs)
        self._received_batch(consumer, records, owner, asked, args, kwargs)
        return records

    async def async_close(self, close: Any, consumer: Any, args: Any, kwargs: Any) -> Any:
        self._messaging.close(consumer)
        return await close(*args, **kwargs)

    def _received(
        self, consumer: Any, record: Any, owner: Any, asked: float, args: Any, kwargs: Any
    ) -> None:
        if record is None or not is_instrumentation_enabled():
            return
        try:
            if not _is_message(record):
                return
            span = self._messaging.receive(
                consumer, _client(consumer), message_of(record), owner, asked
            )
            self._messaging.call(self._hook, span, record, args, kwargs)
        except Exception:
            self._messaging.logger.exception("Failed to trace a message that was received")

    def _received_batch(
        self, consumer: Any, records: Any, owner: Any, asked: float, args: Any, kwargs: Any
    ) -> None:
        if not records or not is_instrumentation_enabled():
            return
        try:
            found = [record for record in records if _is_message(record)]
            if found:
                messages = [message_of(record) for record in found]
                started = self._messaging.receive_batch(
                    consumer, _client(consumer), messages, owner, asked
                )
                self._messaging.end_messages(started, found, self._hook, args, kwargs)
        except Exception:
            self._messaging.logger.exception("Failed to trace messages that were received")


def _is_message(record: Any) -> bool:
    """Not an event or an error, which come in the same form."""
    return record is not None and not said(record, "error")


def _is_quiet(consumer: Any) -> bool:
    """Whether it works for an `AIOConsumer`, in a pool of threads: that one is traced."""
    return getattr(consumer, "_oxitel_is_quiet", False)


def tracer_of(provider: TracerProvider | None) -> Tracer:
    return get_tracer(NAME, OFFICIAL_CONTRIB_VERSION, provider, schema_url=SCHEMA_URL)


@cache
def _global_metrics() -> MessagingMetrics:
    return messaging_metrics(NAME, SCHEMA_URL)


def messaging_of(tracer: Tracer, metrics: MessagingMetrics | None = None) -> Messaging:
    """What makes the spans and metrics; the metrics are the global provider's if not given."""
    return Messaging(tracer, metrics or _global_metrics(), logger, "process", older)


# One call, traced, for the proxies and for other packages. `func` is the bound method.


def wrap_produce(
    func: Any, instance: Any, tracer: Tracer, args: Any, kwargs: dict[str, Any]
) -> Any:
    return Producing(messaging_of(tracer), None).produce(func, instance, args, kwargs)


def wrap_poll(func: Any, instance: Any, tracer: Tracer, args: Any, kwargs: dict[str, Any]) -> Any:
    return Consuming(messaging_of(tracer), None).poll(func, instance, args, kwargs)


def wrap_consume(
    func: Any, instance: Any, tracer: Tracer, args: Any, kwargs: dict[str, Any]
) -> Any:
    return Consuming(messaging_of(tracer), None).consume(func, instance, args, kwargs)


def wrap_close(func: Any, instance: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    return Consuming(messaging_of(tracer_of(None)), None).close(func, instance, args, kwargs)
