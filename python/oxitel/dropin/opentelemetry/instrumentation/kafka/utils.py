"""Official path of the names in oxitel.instrumentation.kafka that others import."""

from collections.abc import Callable
from typing import Any

from oxitel.instrumentation.kafka import (
    KafkaPropertiesExtractor as KafkaPropertiesExtractor,
)
from oxitel.instrumentation.messaging.headers import (
    HeadersGetter as KafkaContextGetter,
    HeadersSetter as KafkaContextSetter,
    _getter as _kafka_getter,
    _setter as _kafka_setter,
)

ProduceHookT = Callable[..., Any] | None
ConsumeHookT = Callable[..., Any] | None
