"""Official path of oxitel.instrumentation.psycopg2."""

from typing import Any

from oxitel.instrumentation.psycopg2 import (
    CursorTracer as CursorTracer,
    DatabaseApiIntegration as DatabaseApiIntegration,
    Psycopg2Instrumentor as Psycopg2Instrumentor,
    _new_cursor_factory as _new_cursor_factory,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__


def __getattr__(name: str) -> Any:
    if name == "pg_cursor":
        from psycopg2.extensions import cursor

        return cursor
    if name == "psycopg2":
        import psycopg2

        return psycopg2
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
