"""SQLite3Instrumentor: traces and metrics of the standard library's sqlite3.

Official name: `opentelemetry.instrumentation.sqlite3`.

`sqlite3.connect` gets a `factory` that derives from the one it would have: connections stay
connections for sqlite3's own C code, and their shortcuts (`connection.execute`) are traced.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import ModuleType
from typing import Any

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from oxitel.official_name import official
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .database.classes import connection_class, traced_cursor_class
from .dbapi_cursors import CursorTracer
from .dbapi_integration import DatabaseApiIntegration
from .instrumentor import Instrumentor
from .patching import Patches

_NAME = "opentelemetry.instrumentation.sqlite3"
_DATABASE_SYSTEM = "sqlite"
# A connection has none that would be of use.
_CONNECTION_ATTRIBUTES: dict[str, Any] = {}
_METHODS = ("execute", "executemany", "executescript")
_FACTORY_POSITION = 5
_FLAG = "_is_instrumented_by_opentelemetry"

_instruments = ()
_semconv_status = "migration"


class _Tracing:
    """What the connections of one `instrument` share, and the classes that are derived for them."""

    def __init__(
        self, tracer_provider: Any, meter_provider: Any, sanitize_query: bool | None
    ) -> None:
        self.integration = DatabaseApiIntegration(
            _NAME,
            _DATABASE_SYSTEM,
            connection_attributes=_CONNECTION_ATTRIBUTES,
            version=OFFICIAL_CONTRIB_VERSION,
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
        )
        self.integration.name = _DATABASE_SYSTEM
        self.integration.sanitize_query = sanitize_query
        self._database = CursorTracer[Any](self.integration).database
        self._cursor_classes: dict[type, type] = {}
        self._connection_classes: dict[type, type] = {}
        self._mixin: type | None = None

    def cursor_class(self, base: type) -> type:
        found = self._cursor_classes.get(base)
        if found is None:
            found = traced_cursor_class(base, self._database, _METHODS)
            self._cursor_classes[base] = found
        return found

    def connection_class(self, base: type, plain: type, plain_cursor: type) -> type:
        found = self._connection_classes.get(base)
        if found is None:
            if self._mixin is None:
                self._mixin = _mixin(self, plain, plain_cursor)
            found = connection_class(base, plain, self._mixin)
            self._connection_classes[base] = found
        return found


def _mixin(tracing: _Tracing, plain: Any, plain_cursor: type) -> type:
    cursor_of = plain.cursor

    class Connection(plain):  # type: ignore[misc]
        _is_instrumented_by_opentelemetry = True

        def cursor(self, factory: Any = plain_cursor) -> Any:
            if not self._is_instrumented_by_opentelemetry:
                return cursor_of(self, factory)
            if isinstance(factory, type):
                return cursor_of(self, tracing.cursor_class(factory))
            from .dbapi_proxies import get_traced_cursor_proxy

            return get_traced_cursor_proxy(cursor_of(self, factory), tracing.integration)

        # What they are documented to do; sqlite3 has cursors of its own for them.
        def execute(self, *args: Any) -> Any:
            return self.cursor().execute(*args)

        def executemany(self, *args: Any) -> Any:
            return self.cursor().executemany(*args)

        def executescript(self, *args: Any) -> Any:
            return self.cursor().executescript(*args)

    return Connection


_tracing: _Tracing | None = None


def _patch(module: ModuleType) -> None:
    plain, plain_cursor = module.Connection, module.Cursor

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(*args: Any, **kwargs: Any) -> Any:
            tracing = _tracing
            if tracing is None or not _patches.is_on:
                return original(*args, **kwargs)
            is_by_position = len(args) > _FACTORY_POSITION
            factory = args[_FACTORY_POSITION] if is_by_position else kwargs.get("factory", plain)
            if not (isinstance(factory, type) and issubclass(factory, plain)):
                connection = original(*args, **kwargs)
                from .dbapi_proxies import get_traced_connection_proxy

                return get_traced_connection_proxy(connection, tracing.integration)
            traced = tracing.connection_class(factory, plain, plain_cursor)
            if is_by_position:
                before, after = args[:_FACTORY_POSITION], args[_FACTORY_POSITION + 1 :]
                return original(*before, traced, *after, **kwargs)
            kwargs["factory"] = traced
            return original(*args, **kwargs)

        return connect

    _patches.wrap(module, "connect", make)


_patches = Patches({"sqlite3.dbapi2": _patch, "sqlite3": _patch})


@official("opentelemetry.instrumentation.sqlite3")
class SQLite3Instrumentor(Instrumentor):
    """Instruments sqlite3.

    `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `sanitize_query`: whether statements are recorded without their literals; what
      `OTEL_PYTHON_INSTRUMENTATION_SANITIZE_SQL` says if not given.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        global _tracing
        _tracing = _Tracing(
            kwargs.get("tracer_provider"),
            kwargs.get("meter_provider"),
            kwargs.get("sanitize_query"),
        )
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        _patches.switch_off()

    @staticmethod
    def instrument_connection(
        connection: Any,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> Any:
        """The connection itself, if it was made while sqlite3 was instrumented, else a proxy."""
        from . import dbapi

        if not hasattr(connection, _FLAG):
            return dbapi.instrument_connection(
                _NAME,
                connection,
                _DATABASE_SYSTEM,
                _CONNECTION_ATTRIBUTES,
                version=OFFICIAL_CONTRIB_VERSION,
                tracer_provider=tracer_provider,
                meter_provider=meter_provider,
            )
        if getattr(connection, _FLAG):
            dbapi._logger.warning("Connection already instrumented")
        connection._is_instrumented_by_opentelemetry = True
        return connection

    @staticmethod
    def uninstrument_connection(connection: Any) -> Any:
        """The connection, whose cursors are not traced from now on."""
        from . import dbapi
        from .dbapi_proxies import BaseObjectProxy

        if getattr(connection, _FLAG, False) and not isinstance(connection, BaseObjectProxy):
            connection._is_instrumented_by_opentelemetry = False
            return connection
        return dbapi.uninstrument_connection(connection)
