"""Official path of oxitel.instrumentation.kafka."""

from oxitel.instrumentation.kafka import (
    KafkaInstrumentor as KafkaInstrumentor,
    _instruments as _instruments,
)
