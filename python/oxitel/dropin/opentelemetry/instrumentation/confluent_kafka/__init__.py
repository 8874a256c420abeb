"""Official path of oxitel.instrumentation.confluent_kafka."""

from typing import TYPE_CHECKING, Any

from oxitel.instrumentation.confluent_kafka import (
    ConfluentKafkaInstrumentor as ConfluentKafkaInstrumentor,
    _instruments as _instruments,
)
from oxitel.instrumentation.confluent_kafka_calls import (
    KafkaPropertiesExtractor as KafkaPropertiesExtractor,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

if TYPE_CHECKING:
    from oxitel.instrumentation.confluent_kafka_clients import (
        AutoInstrumentedConsumer as AutoInstrumentedConsumer,
        AutoInstrumentedProducer as AutoInstrumentedProducer,
        ProxiedConsumer as ProxiedConsumer,
        ProxiedProducer as ProxiedProducer,
    )

_CLIENTS = {
    "AutoInstrumentedConsumer",
    "AutoInstrumentedProducer",
    "ProxiedConsumer",
    "ProxiedProducer",
}


def __getattr__(name: str) -> Any:
    # They derive from confluent-kafka's, which is not to be imported before the program does.
    if name in _CLIENTS:
        from oxitel.instrumentation import confluent_kafka_clients

        return getattr(confluent_kafka_clients, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_CLIENTS})
