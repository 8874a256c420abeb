"""Official path of the names around oxitel.instrumentation.aiokafka that others import."""

from oxitel.instrumentation.messaging.headers import (
    HeadersGetter as AIOKafkaContextGetter,
    HeadersSetter as AIOKafkaContextSetter,
    _getter as _aiokafka_getter,
    _setter as _aiokafka_setter,
)
