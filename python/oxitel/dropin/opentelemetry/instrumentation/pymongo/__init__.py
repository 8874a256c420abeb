"""Official path of oxitel.instrumentation.pymongo."""

from typing import Any

from oxitel.instrumentation.pymongo import PymongoInstrumentor as PymongoInstrumentor
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__


def __getattr__(name: str) -> Any:
    # Those that need PyMongo imported.
    from oxitel.instrumentation import pymongo_listener

    return getattr(pymongo_listener, name)
