"""Proxies of DB-API connections and cursors, for modules whose classes cannot be derived from in
passing.

Official names: in `opentelemetry.instrumentation.dbapi`.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import wrapt

from .dbapi_cursors import CursorTracer
from .dbapi_integration import DatabaseApiIntegration

# From wrapt 2.0 on, `ObjectProxy` has `__iter__` and this has not.
ObjectProxy: Any = wrapt.ObjectProxy
BaseObjectProxy: Any = getattr(wrapt, "BaseObjectProxy", wrapt.ObjectProxy)

ConnectionT = TypeVar("ConnectionT")
CursorT = TypeVar("CursorT")


class TracedConnectionProxy(BaseObjectProxy, Generic[ConnectionT]):  # type: ignore[misc]
    """A connection whose cursors are traced."""

    def __init__(
        self, connection: ConnectionT, db_api_integration: DatabaseApiIntegration | None = None
    ) -> None:
        super().__init__(connection)
        self._self_db_api_integration = db_api_integration

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        cursor = self.__wrapped__.cursor(*args, **kwargs)
        return get_traced_cursor_proxy(cursor, self._self_db_api_integration)

    def __enter__(self) -> Any:
        self.__wrapped__.__enter__()
        return self

    def __exit__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__.__exit__(*args, **kwargs)


class TracedCursorProxy(ObjectProxy, Generic[CursorT]):  # type: ignore[misc]
    """A cursor whose calls are spans."""

    def __init__(self, cursor: CursorT, db_api_integration: DatabaseApiIntegration) -> None:
        super().__init__(cursor)
        self._self_cursor_tracer = CursorTracer[CursorT](db_api_integration)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        cursor = self.__wrapped__
        return self._self_cursor_tracer.traced_execution(cursor, cursor.execute, *args, **kwargs)

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        cursor = self.__wrapped__
        return self._self_cursor_tracer.traced_execution(
            cursor, cursor.executemany, *args, **kwargs
        )

    def callproc(self, *args: Any, **kwargs: Any) -> Any:
        cursor = self.__wrapped__
        return self._self_cursor_tracer.traced_execution(cursor, cursor.callproc, *args, **kwargs)

    def __enter__(self) -> Any:
        self.__wrapped__.__enter__()
        return self

    def __exit__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__.__exit__(*args, **kwargs)


def get_traced_connection_proxy(
    connection: ConnectionT,
    db_api_integration: DatabaseApiIntegration | None,
    *args: Any,
    **kwargs: Any,
) -> TracedConnectionProxy[ConnectionT]:
    return TracedConnectionProxy(connection, db_api_integration)


def get_traced_cursor_proxy(
    cursor: CursorT,
    db_api_integration: Any,
    *args: Any,
    **kwargs: Any,
) -> TracedCursorProxy[CursorT]:
    return TracedCursorProxy(cursor, db_api_integration)
