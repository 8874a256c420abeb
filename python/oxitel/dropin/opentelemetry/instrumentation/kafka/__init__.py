"""Official path of oxitel.instrumentation.kafka."""

from oxitel.instrumentation.kafka import (
    KafkaInstrumentor as KafkaInstrumentor,
    _instruments as _instruments,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
