"""EngineTracer: the statements of one SQLAlchemy engine as spans, and the connections of its
pool as a metric.

Official name: `opentelemetry.instrumentation.sqlalchemy.engine`.

The span is around `dialect.do_execute`, the call of the cursor: it is current while the driver
works, sees the driver's own exception, and costs a tenth of listeners of events. What the dialect
asks for itself when it first connects is no statement of the program's.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any, ClassVar

from opentelemetry.instrumentation.sqlcommenter_utils import _add_sql_comment
from opentelemetry.instrumentation.utils import (
    _get_opentelemetry_values,
    is_instrumentation_enabled,
)
from opentelemetry.trace import Status, StatusCode

from oxitel import _native

from .database.instruments import DatabaseInstruments, port_of

_NAME = "opentelemetry.instrumentation.sqlalchemy"
_METHODS = ("do_execute", "do_executemany", "do_execute_no_params")
# Where a dialect keeps the tracer, and a connection's record what it is to.
_TRACER = "_oxitel_tracer"
_DATABASE = "oxitel.database"
# Where the context of an execution keeps a span that has begun.
_CALL = "_oxitel_call"
_lock = Lock()


def _normalize_vendor(vendor: str | None) -> str:
    """What semantic conventions call the database of a dialect."""
    if not vendor:
        return "db"
    if "sqlite" in vendor:
        return "sqlite"
    if "postgres" in vendor or vendor == "psycopg2":
        return "postgresql"
    return vendor


def _get_db_name_from_cursor_or_conn(vendor: str | None, conn: Any, cursor: Any) -> Any:
    """The name of the database that a cursor is connected to, None if it cannot be had."""
    if not vendor:
        return None
    vendor = vendor.lower()
    connection = getattr(cursor, "connection", None)
    if "postgres" in vendor:
        return getattr(getattr(connection, "info", None), "dbname", None)
    if "mysql" in vendor:
        connection = connection or getattr(cursor, "_cnx", None)
        return _first(connection, ("database",), ("db",))
    name = None
    if "mssql" in vendor or "sqlserver" in vendor:
        name = _first(connection, ("database",), ("db",), ("info", "database"))
    return name or getattr(getattr(getattr(conn, "engine", None), "url", None), "database", None)


def _first(connection: Any, *paths: tuple[str, ...]) -> Any:
    for path in paths:
        value = connection
        for attribute in path:
            if not value or not hasattr(value, attribute):
                break
            value = getattr(value, attribute)
        else:
            return value.decode("utf-8") if isinstance(value, bytes) else value
    return None


def _get_attributes_from_engine(engine: Any) -> dict[str, Any]:
    """The attributes of the pool's metric."""
    name = getattr(getattr(engine, "pool", None), "logging_name", None)
    return {"pool.name": name or _get_connection_string(engine)}


def _get_connection_string(engine: Any) -> str:
    url = engine.url
    return f"{url.drivername or ''}://{url.host or ''}:{url.port or ''}/{url.database or ''}"


def _after_cur_exec(
    conn: Any, cursor: Any, statement: Any, params: Any, context: Any, executemany: Any
) -> None:
    """For listeners of a program's own that keep a span in the context of the execution."""
    span = getattr(context, "_otel_span", None)
    if span is not None:
        span.end()


def _handle_error(context: Any) -> None:
    span = getattr(context.execution_context, "_otel_span", None)
    if span is None:
        return
    if span.is_recording():
        span.set_status(Status(StatusCode.ERROR, str(context.original_exception)))
    span.end()


class EngineTracer:
    """Traces `engine` from now on.

    - `tracer`, `connections_usage`: the tracer of the spans and the counter of connections;
    - `enable_commenter`, `commenter_options`, `enable_attribute_commenter`: comments of
      sqlcommenter's, what is switched off in them, and whether the recorded statement has them.
    """

    _remove_event_listener_params: ClassVar[list[tuple[Any, str, Any]]] = []
    _traced: ClassVar[list[weakref.ReferenceType[Any]]] = []

    def __init__(
        self,
        tracer: Any,
        engine: Any,
        connections_usage: Any,
        enable_commenter: bool = False,
        commenter_options: dict[str, Any] | None = None,
        enable_attribute_commenter: bool = False,
        *,
        sanitize_query: bool | None = None,
    ) -> None:
        self.tracer = tracer
        self.connections_usage = connections_usage
        self.vendor = _normalize_vendor(engine.name)
        self.enable_commenter = enable_commenter
        self.commenter_options = commenter_options or {}
        self.enable_attribute_commenter = enable_attribute_commenter
        self._sanitize_query = sanitize_query
        self._engine_attrs = _get_attributes_from_engine(engine)
        self._states = tuple({**self._engine_attrs, "state": state} for state in ("idle", "used"))
        self._instruments = DatabaseInstruments(_NAME, "", None, tracer=tracer)
        self._url = engine.url
        self._driver = engine.driver
        self._databases: dict[Any, _native.Database] = {}
        # Where all connections are to a database of the same name.
        is_fixed = not any(name in self.vendor.lower() for name in ("postgres", "mysql", "mssql"))
        self._fixed = self._database(None, self._url.database) if is_fixed else None
        self._trace(engine)

    def _trace(self, engine: Any) -> None:
        dialect = engine.dialect
        with _lock:
            if _TRACER in dialect.__dict__:
                return
            setattr(dialect, _TRACER, self)
        # An engine takes its dialect along, and its pool may outlive it: neither keeps the engine.
        self._put_methods(dialect)
        initialize = dialect.initialize
        weak_dialect = weakref.ref(dialect)

        def initialize_untraced(connection: Any) -> Any:
            own = weak_dialect()
            is_traced = own is not None and _take_methods(own)
            try:
                return initialize(connection)
            finally:
                if is_traced:
                    self._put_methods(own)

        dialect.initialize = initialize_untraced
        self._traced.append(weakref.ref(dialect, self._traced.remove))
        for identifier, listener in (
            ("connect", self._pool_connect),
            ("close", self._pool_close),
            ("checkin", self._pool_checkin),
            ("checkout", self._pool_checkout),
        ):
            self._register_event_listener(engine, identifier, listener)
        if self.enable_commenter:
            self._register_event_listener(
                engine, "before_cursor_execute", self._before_cur_exec, retval=True
            )

    def _before_cur_exec(
        self, conn: Any, cursor: Any, statement: Any, params: Any, context: Any, _many: Any
    ) -> tuple[Any, Any]:
        """Comment a statement before other listeners and SQLAlchemy's log have it: its span begins
        here, and is current in the method of the dialect."""
        if context is None:
            return statement, params
        database = self._fixed or self._by_context(context, cursor)
        call = database.begin_call(cursor, (statement, params))
        if call is None:
            return statement, params
        call.leave()
        context.__dict__[_CALL] = call
        return call.arguments

    def _continuing(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """For statements whose spans have begun before."""

        def execute(cursor: Any, *args: Any, **kwargs: Any) -> Any:
            context = kwargs.get("context", args[-1] if args else None)
            call = getattr(context, "__dict__", {}).pop(_CALL, None)
            if call is None:
                return method(cursor, *args, **kwargs)
            with call:
                return method(cursor, *args, **kwargs)

        return execute

    def _put_methods(self, dialect: Any) -> None:
        for name in _METHODS:
            original = getattr(type(dialect), name, None)
            if original is None:
                continue
            method = partial(original, dialect)
            traced: Any
            if self.enable_commenter:
                traced = self._continuing(method)
            elif self._fixed is not None:
                traced = self._fixed.method(method)
            else:
                traced = self._by_connection(method)
            setattr(dialect, name, traced)

    def _by_connection(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """For databases whose name a connection knows best: asked once for each."""

        def execute(cursor: Any, *args: Any, **kwargs: Any) -> Any:
            context = kwargs.get("context", args[-1] if args else None)
            database = self._by_context(context, cursor)
            return database.call(cursor, partial(method, cursor), args, kwargs)

        return execute

    def _by_context(self, context: Any, cursor: Any) -> _native.Database:
        try:
            info = context.root_connection.info
            database: _native.Database | None = info.get(_DATABASE)
            if database is None:
                database = info[_DATABASE] = self._database_of(cursor)
            return database
        except Exception:
            return self._database_of(cursor)

    def _database_of(self, cursor: Any) -> _native.Database:
        try:
            name = _get_db_name_from_cursor_or_conn(self.vendor, None, cursor)
            name = name or self._url.database if "mssql" in self.vendor else name
        except Exception:
            name = None
        return self._database(cursor, name)

    def _database(self, cursor: Any, name: Any) -> _native.Database:
        """The native side for a connection; `name` is that of its database as spans have it."""
        url = self._url
        parts: dict[str, Any] = {
            "user": url.username,
            "address": url.host,
            "port": url.port,
            "name": url.database,
        }
        if not url.host:
            if self.vendor == "sqlite":
                parts["name"] = name
            elif self.vendor == "postgresql":
                parts.update(_of_connection(cursor, name))
        key = (name, *parts.items())
        found = self._databases.get(key)
        if found is None:
            found = self._instruments.native(
                self.vendor,
                name or self.vendor,
                suffix=f" {name}" if name else None,
                is_sanitized=self._sanitize_query,
                comment=self._comment if self.enable_commenter else None,
                comments_attribute=bool(self.enable_attribute_commenter),
                records_exceptions=False,
                is_operation_name=True,
                attributes=_transport(parts),
                **parts,
            )
            self._databases[key] = found
        return found

    def _operation_name(self, db_name: str | None, statement: Any) -> str:
        word = _native.sql_operation(statement) if isinstance(statement, str) else ""
        return " ".join(part for part in (word, db_name) if part) or self.vendor

    def _get_commenter_data(self, conn: Any = None) -> dict[str, Any]:
        import sqlalchemy

        data = {
            "db_driver": self._driver,
            "db_framework": f"sqlalchemy:{sqlalchemy.__version__}",
        }
        if self.commenter_options.get("opentelemetry_values", True):
            data.update(_get_opentelemetry_values())
        return {key: data[key] for key in data if self.commenter_options.get(key, True)}

    def _comment(self, cursor: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        statement = _add_sql_comment(str(args[0]), **self._get_commenter_data())
        return (statement, *args[1:])

    def _count(self, idle: int, used: int) -> None:
        if not is_instrumentation_enabled():
            return
        for amount, attributes in zip((idle, used), self._states, strict=True):
            if amount:
                self.connections_usage.add(amount, attributes=attributes)

    def _pool_connect(self, _dbapi_connection: Any, _connection_record: Any) -> None:
        self._count(1, 0)

    def _pool_close(self, _dbapi_connection: Any, _connection_record: Any) -> None:
        self._count(-1, 0)

    def _pool_checkin(self, _dbapi_connection: Any, _connection_record: Any) -> None:
        self._count(1, -1)

    def _pool_checkout(self, _dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
        self._count(-1, 1)

    @classmethod
    def _dispose_of_event_listener(cls, obj: tuple[Any, str, Any]) -> None:
        try:
            cls._remove_event_listener_params.remove(obj)
        except ValueError:
            pass

    @classmethod
    def _register_event_listener(
        cls, target: Any, identifier: str, func: Any, *args: Any, **kw: Any
    ) -> None:
        from sqlalchemy.event import listen

        listen(target, identifier, func, *args, **kw)
        entry = (weakref.ref(target), identifier, func)
        cls._remove_event_listener_params.append(entry)
        weakref.finalize(target, cls._dispose_of_event_listener, entry)

    @classmethod
    def remove_all_event_listeners(cls) -> None:
        """Have no engine traced any more."""
        from sqlalchemy.event import remove

        for reference, identifier, func in cls._remove_event_listener_params:
            target = reference()
            if target is not None:
                remove(target, identifier, func)
        cls._remove_event_listener_params.clear()
        for reference in list(cls._traced):
            dialect = reference()
            if dialect is not None:
                _take_methods(dialect)
                dialect.__dict__.pop("initialize", None)
                dialect.__dict__.pop(_TRACER, None)
        cls._traced.clear()


def _take_methods(dialect: Any) -> bool:
    """Whether there was one of ours."""
    found = [dialect.__dict__.pop(name, None) for name in _METHODS]
    return any(method is not None for method in found)


def _of_connection(cursor: Any, name: Any) -> dict[str, Any]:
    """Where a connection of PostgreSQL is to, if its URL does not say."""
    info = getattr(getattr(cursor, "connection", None), "info", None)
    if not info:
        return {}
    host, port = info.host, info.port
    if host and host.startswith("/"):
        # All sockets of PostgreSQL are called so.
        address = os.path.join(host, f".s.PGSQL.{port}") if port else None
        return {"name": name, "address": address, "transport": "other"}
    return {"name": name, "address": host, "port": port_of(port), "transport": "ip_tcp"}


def _transport(parts: dict[str, Any]) -> dict[str, Any] | None:
    # Officially by its old name, whatever the conventions.
    transport = parts.pop("transport", None)
    return {"net.transport": transport} if transport else None
