"""Official path of oxitel.instrumentation.aiohttp_client."""

from oxitel.instrumentation.aiohttp_client import (
    AioHttpClientInstrumentor as AioHttpClientInstrumentor,
    create_trace_config as create_trace_config,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
