"""Official path of oxitel.instrumentation.psycopg."""

from typing import Any

from oxitel.instrumentation.psycopg import (
    CursorTracer as CursorTracer,
    DatabaseApiAsyncIntegration as DatabaseApiAsyncIntegration,
    DatabaseApiIntegration as DatabaseApiIntegration,
    PsycopgInstrumentor as PsycopgInstrumentor,
    _new_cursor_async_factory as _new_cursor_async_factory,
    _new_cursor_factory as _new_cursor_factory,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__


def __getattr__(name: str) -> Any:
    if name == "psycopg":
        import psycopg

        return psycopg
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
