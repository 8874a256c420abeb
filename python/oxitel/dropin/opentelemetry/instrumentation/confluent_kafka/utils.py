"""Official path of the names around oxitel.instrumentation.confluent_kafka that others import."""

from oxitel.instrumentation.confluent_kafka_calls import (
    KafkaPropertiesExtractor as KafkaPropertiesExtractor,
)
from oxitel.instrumentation.messaging.headers import (
    HeadersGetter as KafkaContextGetter,
    HeadersSetter as KafkaContextSetter,
    _getter as _kafka_getter,
    _setter as _kafka_setter,
)
