"""The classes that stand in for confluent-kafka's `Producer` and `Consumer`.

Imports the client, so it is imported only where that is installed.
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, Producer
from opentelemetry.trace import Tracer

from . import confluent_kafka_calls as calls


def _capture_config(args: Any, kwargs: dict[str, Any]) -> dict[str, Any] | None:
    """The configuration among the arguments of a constructor: a dict, keywords or both."""
    given = args[0] if args else kwargs.get("conf")
    found = dict(given) if isinstance(given, dict) else {}
    found.update((name, value) for name, value in kwargs.items() if name != "conf")
    return found or None


class AutoInstrumentedProducer(Producer):  # type: ignore[misc]
    """`confluent_kafka.Producer` while the instrumentation is on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.config = _capture_config(args, kwargs)

    # Here to be wrapped, since the native type's methods cannot be.
    def produce(self, *args: Any, **kwargs: Any) -> None:
        super().produce(*args, **kwargs)


class AutoInstrumentedConsumer(Consumer):  # type: ignore[misc]
    """`confluent_kafka.Consumer` while the instrumentation is on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.config = _capture_config(args, kwargs)

    def poll(self, *args: Any, **kwargs: Any) -> Any:
        return super().poll(*args, **kwargs)

    def consume(self, *args: Any, **kwargs: Any) -> Any:
        return super().consume(*args, **kwargs)

    def close(self, *args: Any, **kwargs: Any) -> Any:
        return super().close(*args, **kwargs)

    def __exit__(self, *exception: Any) -> Any:
        # The native one would pass `close` by.
        self.close()
        return None


def _untraced(client: Any, name: str) -> Any:
    """The method of a proxy's client, which may be one of the above: one span is enough."""
    if type(client) in (AutoInstrumentedProducer, AutoInstrumentedConsumer):
        return getattr(super(type(client), client), name)
    return getattr(client, name)


class ProxiedProducer(Producer):  # type: ignore[misc]
    """A producer that exists, traced. Everything goes to that one."""

    def __init__(self, producer: Producer, tracer: Tracer) -> None:
        # Not `super().__init__()`: this one never connects.
        self._producer = producer
        self._tracer = tracer
        self.config = getattr(producer, "config", None)

    def produce(self, *args: Any, **kwargs: Any) -> Any:
        return calls.wrap_produce(
            _untraced(self._producer, "produce"), self, self._tracer, args, kwargs
        )

    def original_producer(self) -> Producer:
        return self._producer


class ProxiedConsumer(Consumer):  # type: ignore[misc]
    """A consumer that exists, traced. Everything goes to that one."""

    def __init__(self, consumer: Consumer, tracer: Tracer) -> None:
        self._consumer = consumer
        self._tracer = tracer
        self.config = getattr(consumer, "config", None)

    def poll(self, *args: Any, **kwargs: Any) -> Any:
        return calls.wrap_poll(_untraced(self._consumer, "poll"), self, self._tracer, args, kwargs)

    def consume(self, *args: Any, **kwargs: Any) -> Any:
        return calls.wrap_consume(
            _untraced(self._consumer, "consume"), self, self._tracer, args, kwargs
        )

    def close(self, *args: Any, **kwargs: Any) -> Any:
        return calls.wrap_close(self._consumer.close, self, args, kwargs)

    def __exit__(self, *exception: Any) -> Any:
        self.close()
        return None

    def original_consumer(self) -> Consumer:
        from .messaging.receiving import Deliveries

        deliveries = Deliveries.existing(self)
        if deliveries is not None:
            deliveries.finish()
        return self._consumer


def _delegate(proxy: type, attribute: str) -> None:
    """The rest of the native type's methods, which would work on a proxy that never connected."""

    def delegating(name: str) -> Any:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return getattr(getattr(self, attribute), name)(*args, **kwargs)

        method.__name__ = name
        return method

    native = proxy.__mro__[1]
    for name in vars(native):
        is_method = not name.startswith("_") or name in ("__len__", "__bool__", "__exit__")
        if is_method and name not in vars(proxy):
            setattr(proxy, name, delegating(name))


_delegate(ProxiedProducer, "_producer")
_delegate(ProxiedConsumer, "_consumer")


def keep_configuration(initialize: Any, instance: Any, args: Any, kwargs: dict[str, Any]) -> None:
    """Wraps the constructors of `SerializingProducer` and `DeserializingConsumer`."""
    initialize(*args, **kwargs)
    instance.config = _capture_config(args, kwargs)


def quieten_inner_consumer(
    initialize: Any, instance: Any, args: Any, kwargs: dict[str, Any]
) -> None:
    """Wraps the constructor of `AIOConsumer`, which calls an ordinary one from its threads."""
    initialize(*args, **kwargs)
    inner = instance.__dict__.get("_consumer")
    if isinstance(inner, AutoInstrumentedConsumer):
        inner._oxitel_is_quiet = True
        instance.config = inner.config
