"""Official path of oxitel.instrumentation.sqlite3."""

from oxitel.instrumentation.sqlite3 import (
    _CONNECTION_ATTRIBUTES as _CONNECTION_ATTRIBUTES,
    _DATABASE_SYSTEM as _DATABASE_SYSTEM,
    SQLite3Instrumentor as SQLite3Instrumentor,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
