"""Official path of oxitel.instrumentation.asyncpg."""

from oxitel.instrumentation.asyncpg import (
    _PREPARED_STMT_METHODS as _PREPARED_STMT_METHODS,
    AsyncPGInstrumentor as AsyncPGInstrumentor,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
