"""Official path of oxitel.instrumentation.redis."""

from oxitel.instrumentation.redis import (
    _INSTRUMENTATION_ATTR as _INSTRUMENTATION_ATTR,
    RedisInstrumentor as RedisInstrumentor,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
