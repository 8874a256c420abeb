"""ConfluentKafkaInstrumentor: traces of confluent-kafka's producers and consumers.

Official name: `opentelemetry.instrumentation.confluent_kafka`. The classes that stand in for the
client's, which are native and cannot be changed, are in `confluent_kafka_clients`.
"""

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType
from typing import TYPE_CHECKING, Any

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
    tracer_of,
    wrap_close,
    wrap_consume,
    wrap_poll,
    wrap_produce,
)
from .instrumentor import Instrumentor
from .messaging.metrics import messaging_metrics
from .messaging.receiving import finish_everything
from .messaging.tasks import task_is_gone
from .messaging.tracing import Messaging, hook_of
from .patching import Call, Patches

if TYPE_CHECKING:
    from .confluent_kafka_clients import ProxiedConsumer, ProxiedProducer

_instruments = ("confluent-kafka >= 1.8.2, < 3.0.0",)


@official("opentelemetry.instrumentation.confluent_kafka")
class ConfluentKafkaInstrumentor(Instrumentor):
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
        global _tracing
        tracer = tracer_of(kwargs.get("tracer_provider"))
        metrics = messaging_metrics(NAME, SCHEMA_URL, kwargs.get("meter_provider"))
        produce_hook = hook_of(kwargs.get("produce_hook"))
        consume_hook = hook_of(kwargs.get("consume_hook"))
        asynchronous = Messaging(tracer, metrics, logger, "process", older, task_is_gone)
        serializing = Producing(messaging_of(tracer, metrics), produce_hook, key_comes_first=True)
        _tracing = {
            "producing": Producing(messaging_of(tracer, metrics), produce_hook),
            "serializing": serializing,
            "consuming": Consuming(messaging_of(tracer, metrics), consume_hook),
            "asynchronous": Consuming(asynchronous, consume_hook),
        }
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        _patches.switch_off()
        finish_everything()

    # For subclasses and other packages: one call, traced. `func` is the bound method.

    wrap_produce = staticmethod(wrap_produce)
    wrap_poll = staticmethod(wrap_poll)
    wrap_consume = staticmethod(wrap_consume)
    wrap_close = staticmethod(wrap_close)


# What the clients of the last `instrument` are traced with.
_tracing: dict[str, Any] = {}


def _traced(part: str, method: str) -> Call:
    return lambda *call: getattr(_tracing[part], method)(*call)


def _patch(module: ModuleType) -> None:
    from . import confluent_kafka_clients as clients

    producer, consumer = clients.AutoInstrumentedProducer, clients.AutoInstrumentedConsumer
    _patches.wrap_bound(producer, "produce", _traced("producing", "produce"))
    for name in ("poll", "consume", "close"):
        _patches.wrap_bound(consumer, name, _traced("consuming", name))
    serializing, deserializing = module.SerializingProducer, module.DeserializingConsumer
    _patches.wrap_bound(serializing, "__init__", clients.keep_configuration)
    _patches.wrap_bound(serializing, "produce", _traced("serializing", "produce"))
    _patches.wrap_bound(deserializing, "__init__", clients.keep_configuration)
    _patches.wrap_bound(deserializing, "poll", _traced("consuming", "poll"))
    if "close" in vars(deserializing):
        _patches.wrap_bound(deserializing, "close", _traced("consuming", "close"))
    _patches.replace(module, "Producer", clients.AutoInstrumentedProducer)
    _patches.replace(module, "Consumer", clients.AutoInstrumentedConsumer)


def _patch_asynchronous(module: ModuleType) -> None:
    from . import confluent_kafka_clients as clients

    consumer = module.AIOConsumer
    _patches.wrap_bound(consumer, "__init__", clients.quieten_inner_consumer)
    for name in ("poll", "consume", "close"):
        _patches.wrap_bound(consumer, name, _traced("asynchronous", f"async_{name}"))


_patches = Patches({"confluent_kafka": _patch, "confluent_kafka.aio": _patch_asynchronous})
