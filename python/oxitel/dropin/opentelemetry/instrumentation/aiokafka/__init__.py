"""Official path of oxitel.instrumentation.aiokafka."""

from oxitel.instrumentation.aiokafka import (
    AIOKafkaInstrumentor as AIOKafkaInstrumentor,
    _instruments as _instruments,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
