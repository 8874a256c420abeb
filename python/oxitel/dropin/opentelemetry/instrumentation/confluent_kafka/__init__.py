"""Official path of oxitel.instrumentation.confluent_kafka."""

from oxitel.instrumentation.confluent_kafka import (
    ConfluentKafkaInstrumentor as ConfluentKafkaInstrumentor,
    _instruments as _instruments,
)
from oxitel.instrumentation.confluent_kafka_calls import (
    KafkaPropertiesExtractor as KafkaPropertiesExtractor,
)
from oxitel.instrumentation.confluent_kafka_clients import (
    AutoInstrumentedConsumer as AutoInstrumentedConsumer,
    AutoInstrumentedProducer as AutoInstrumentedProducer,
    ProxiedConsumer as ProxiedConsumer,
    ProxiedProducer as ProxiedProducer,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
