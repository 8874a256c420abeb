"""ConfluentKafkaInstrumentor: traces of confluent-kafka's producers and consumers.

Official name: `opentelemetry.instrumentation.confluent_kafka`. The classes that stand in for the
client's, which are native and cannot be changed, are in `confluent_kafka_clients`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import TracerProvider

from oxitel.official_name import official

from .confluent_kafka_calls import (
    NAME,
    SCHEMA_URL,
    Consuming,
    Producing,
    logger,
    messaging_of,
    older,
    task_is_gone,
    tracer_of,
    wrap_close,
    wrap_consume,
    wrap_poll,
    wrap_produce,
)
from .messaging.metrics import messaging_metrics
from .messaging.receiving import finish_everything
from .messaging.tracing import Messaging, hook_of

if TYPE_CHECKING:
    from .confluent_kafka_clients import ProxiedConsumer, ProxiedProducer

_instruments = ("confluent-kafka >= 1.8.2, < 3.0.0",)


@official("opentelemetry.instrumentation.confluent_kafka")
class ConfluentKafkaInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Instruments confluent-kafka.

    `instrument` replaces `confluent_kafka.Producer` and `confluent_kafka.Consumer`, so it comes
    before `from confluent_kafka import Producer`; `instrument_producer` and `instrument_consumer`
    wrap one that exists. `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `produce_hook(span, args, kwargs)`: called before a message is sent, with the arguments of
      `Producer.produce`;
    - `consume_hook(span, record, args, kwargs)`: called with each message received.

    What a hook raises is logged under `opentelemetry.instrumentation.confluent_kafka`.
    """

    _originals: tuple[Any, Any] | None = None
    _wrapped: tuple[tuple[Any, str], ...] = ()

    @staticmethod
    def instrument_producer(
        producer: Any, tracer_provider: TracerProvider | None = None
    ) -> ProxiedProducer:
        """A producer that sends through `producer` and traces it."""
        from .confluent_kafka_clients import ProxiedProducer

        return ProxiedProducer(producer, tracer_of(tracer_provider))

    @staticmethod
    def instrument_consumer(
        consumer: Any, tracer_provider: TracerProvider | None = None
    ) -> ProxiedConsumer:
        """A consumer that receives through `consumer` and traces it."""
        from .confluent_kafka_clients import ProxiedConsumer

        return ProxiedConsumer(consumer, tracer_of(tracer_provider))

    @staticmethod
    def uninstrument_producer(producer: Any) -> Any:
        """What `instrument_producer` was given."""
        from .confluent_kafka_clients import ProxiedProducer

        if isinstance(producer, ProxiedProducer):
            return producer.original_producer()
        return producer

    @staticmethod
    def uninstrument_consumer(consumer: Any) -> Any:
        """What `instrument_consumer` was given. Ends the span of its last message."""
        from .confluent_kafka_clients import ProxiedConsumer

        if isinstance(consumer, ProxiedConsumer):
            return consumer.original_consumer()
        return consumer

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        import confluent_kafka
        from wrapt import wrap_function_wrapper

        from . import confluent_kafka_clients as clients

        tracer = tracer_of(kwargs.get("tracer_provider"))
        metrics = messaging_metrics(NAME, SCHEMA_URL, kwargs.get("meter_provider"))
        produce_hook = hook_of(kwargs.get("produce_hook"))
        consume_hook = hook_of(kwargs.get("consume_hook"))
        producing = Producing(messaging_of(tracer, metrics), produce_hook)
        consuming = Consuming(messaging_of(tracer, metrics), consume_hook)
        serializing = Producing(messaging_of(tracer, metrics), produce_hook, key_comes_first=True)
        wrappers: list[tuple[Any, str, Any]] = [
            (clients.AutoInstrumentedProducer, "produce", producing.produce),
            (clients.AutoInstrumentedConsumer, "poll", consuming.poll),
            (clients.AutoInstrumentedConsumer, "consume", consuming.consume),
            (clients.AutoInstrumentedConsumer, "close", consuming.close),
            (confluent_kafka.SerializingProducer, "__init__", clients.keep_configuration),
            (confluent_kafka.SerializingProducer, "produce", serializing.produce),
            (confluent_kafka.DeserializingConsumer, "__init__", clients.keep_configuration),
            (confluent_kafka.DeserializingConsumer, "poll", consuming.poll),
        ]
        if "close" in vars(confluent_kafka.DeserializingConsumer):
            wrappers.append((confluent_kafka.DeserializingConsumer, "close", consuming.close))
        try:
            from confluent_kafka.aio import AIOConsumer
        except ImportError:
            pass  # older versions have none
        else:
            asynchronous = Consuming(
                Messaging(tracer, metrics, logger, "process", older, task_is_gone), consume_hook
            )
            wrappers += [
                (AIOConsumer, "__init__", clients.quieten_inner_consumer),
                (AIOConsumer, "poll", asynchronous.async_poll),
                (AIOConsumer, "consume", asynchronous.async_consume),
                (AIOConsumer, "close", asynchronous.async_close),
            ]
        for owner, name, wrapper in wrappers:
            wrap_function_wrapper(owner, name, wrapper)
        cls = ConfluentKafkaInstrumentor
        cls._wrapped = tuple((owner, name) for owner, name, _ in wrappers)
        cls._originals = (confluent_kafka.Producer, confluent_kafka.Consumer)
        confluent_kafka.Producer = clients.AutoInstrumentedProducer
        confluent_kafka.Consumer = clients.AutoInstrumentedConsumer

    def _uninstrument(self, **kwargs: Any) -> None:
        import confluent_kafka

        cls = ConfluentKafkaInstrumentor
        if cls._originals is not None:
            confluent_kafka.Producer, confluent_kafka.Consumer = cls._originals
        for owner, name in cls._wrapped:
            unwrap(owner, name)
        cls._originals, cls._wrapped = None, ()
        finish_everything()

    # For subclasses and other packages: one call, traced. `func` is the bound method.

    wrap_produce = staticmethod(wrap_produce)
    wrap_poll = staticmethod(wrap_poll)
    wrap_consume = staticmethod(wrap_consume)
    wrap_close = staticmethod(wrap_close)
