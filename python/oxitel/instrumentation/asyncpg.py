"""AsyncPGInstrumentor: traces of asyncpg.

Official name: `opentelemetry.instrumentation.asyncpg`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import ModuleType
from typing import Any

from oxitel import _native
from oxitel.official_name import official
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .database.instruments import DatabaseInstruments
from .instrumentor import Instrumentor
from .patching import Patches

_NAME = "opentelemetry.instrumentation.asyncpg"
_instruments = ("asyncpg >= 0.12.0",)
_semconv_status = "migration"

_CONNECTION_METHODS = ("execute", "executemany", "fetch", "fetchval", "fetchrow")
_CURSOR_METHODS = ("fetch", "forward", "fetchrow")
_PREPARED_STMT_METHODS = ("fetch", "fetchval", "fetchrow", "executemany", "fetchmany")


class _Tracing:
    """What one `instrument` traces with; connections to the same database share the native side."""

    def __init__(
        self, tracer_provider: Any, captures_parameters: bool, sanitize_query: bool | None
    ) -> None:
        self._instruments = DatabaseInstruments(
            _NAME, OFFICIAL_CONTRIB_VERSION, tracer_provider, network_follows_http=False
        )
        self.tracer = self._instruments.tracer
        self._captures_parameters = captures_parameters
        self._sanitize_query = sanitize_query
        self._databases: dict[Any, _native.Database] = {}

    def begin(
        self, connection: Any, query: Any, parameters: Any, prefix: str = ""
    ) -> _native.DatabaseCall | None:
        try:
            shown = self._captures_parameters and parameters
            return self._find(connection).begin_statement(query, prefix, shown or None)
        except Exception:
            _patches.say_failed()
            return None

    def _find(self, connection: Any) -> _native.Database:
        settings = getattr(connection, "_params", None)
        address = getattr(connection, "_addr", None)
        key = (getattr(settings, "database", None), getattr(settings, "user", None), address)
        database = self._databases.get(key)
        if database is None:
            database = self._databases[key] = self._database(*key)
        return database

    def _database(self, name: Any, user: Any, address: Any) -> _native.Database:
        where: dict[str, Any] = {}
        if isinstance(address, tuple):
            where = {"address": address[0], "port": address[1], "transport": ("ip_tcp", "tcp")}
        elif isinstance(address, str):
            where = {"address": address, "transport": ("other", "pipe")}
        return self._instruments.native(
            "postgresql",
            name or "postgresql",
            name=name,
            user=user,
            is_sanitized=self._sanitize_query,
            **where,
        )


_tracing: _Tracing | None = None

Begin = Callable[[_Tracing, Any, tuple[Any, ...], dict[str, Any]], _native.DatabaseCall | None]


def _of_connection(tracing: _Tracing, self: Any, args: Any, kwargs: Any) -> Any:
    query = args[0] if args else kwargs.get("query", kwargs.get("command"))
    return tracing.begin(self, query, args[1:])


def _of_cursor(tracing: _Tracing, self: Any, args: Any, kwargs: Any) -> Any:
    return tracing.begin(
        getattr(self, "_connection", None),
        getattr(self, "_query", None),
        getattr(self, "_args", None),
        "CURSOR: ",
    )


def _of_prepared(tracing: _Tracing, self: Any, args: Any, kwargs: Any) -> Any:
    connection = getattr(self, "_connection", None)
    return tracing.begin(connection, getattr(self, "_query", None) or "", args)


def _traced(begin: Begin) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            tracing = _tracing
            call = None if tracing is None else begin(tracing, self, args, kwargs)
            if call is None:
                return await original(self, *args, **kwargs)
            with call:
                return await original(self, *args, **kwargs)

        return method

    return make


def _traced_next(original: Callable[..., Any]) -> Callable[..., Any]:
    async def __anext__(self: Any) -> Any:
        # Most rows are there already: only those that are fetched are an operation.
        if self._exhausted or (self._portal_name and self._buffer):
            return await original(self)
        tracing = _tracing
        call = None if tracing is None else _of_cursor(tracing, self, (), {})
        if call is None:
            return await original(self)
        with call:
            try:
                return await original(self)
            except StopAsyncIteration:
                pass
        raise StopAsyncIteration

    return __anext__


def _patch_connection(module: ModuleType) -> None:
    for name in _CONNECTION_METHODS:
        _patches.wrap(module.Connection, name, _traced(_of_connection))


def _patch_cursor(module: ModuleType) -> None:
    for name in _CURSOR_METHODS:
        if hasattr(module.Cursor, name):
            _patches.wrap(module.Cursor, name, _traced(_of_cursor))
    _patches.wrap(module.CursorIterator, "__anext__", _traced_next)


def _patch_prepared(module: ModuleType) -> None:
    for name in _PREPARED_STMT_METHODS:
        if hasattr(module.PreparedStatement, name):
            _patches.wrap(module.PreparedStatement, name, _traced(_of_prepared))


_patches = Patches(
    {
        "asyncpg.connection": _patch_connection,
        "asyncpg.cursor": _patch_cursor,
        "asyncpg.prepared_stmt": _patch_prepared,
    }
)


@official("opentelemetry.instrumentation.asyncpg")
class AsyncPGInstrumentor(Instrumentor):
    """Instruments asyncpg. `capture_parameters`: whether parameters become
    `db.statement.parameters`.

    `instrument` takes these keyword arguments:

    - `tracer_provider`: the global one if not given;
    - `sanitize_query`: whether statements are recorded without their literals; what
      `OTEL_PYTHON_INSTRUMENTATION_SANITIZE_SQL` says if not given.
    """

    _tracer: Any = None

    def __init__(self, capture_parameters: bool = False) -> None:
        super().__init__()
        self.capture_parameters = capture_parameters

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        global _tracing
        _tracing = _Tracing(
            kwargs.get("tracer_provider"),
            bool(self.capture_parameters),
            kwargs.get("sanitize_query"),
        )
        self._tracer = _tracing.tracer
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        global _tracing
        _tracing = None
        _patches.switch_off()
