"""Official path of oxitel.instrumentation.aiokafka."""

from oxitel.instrumentation.aiokafka import (
    AIOKafkaInstrumentor as AIOKafkaInstrumentor,
    _instruments as _instruments,
)
