"""PsycopgInstrumentor: traces and metrics of psycopg 3, with and without asyncio.

Official name: `opentelemetry.instrumentation.psycopg`.

What makes a connection gives it factories of cursors that derive from those it has, the one of
cursors on the server too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from logging import getLogger
from types import ModuleType
from typing import Any

from opentelemetry.trace import TracerProvider

from oxitel.official_name import official

from .database.classes import traced_async_cursor_class, traced_cursor_class
from .database.composed import (
    CONNECTION_ATTRIBUTES,
    DATABASE_SYSTEM,
    ComposedCursorTracer,
    make_integration,
    options_of,
)
from .dbapi_cursors import CursorT
from .dbapi_integration import DatabaseApiIntegration as _DatabaseApiIntegration
from .instrumentor import Instrumentor
from .patching import Patches

_NAME = "opentelemetry.instrumentation.psycopg"
_METHODS = ("execute", "executemany", "callproc")
_logger = getLogger(_NAME)

_instruments: tuple[str, ...] = ("psycopg >= 3.1.0",)
_semconv_status = "migration"

_FLAG = "_is_instrumented_by_opentelemetry"
_ORIGINAL = "_otel_orig_cursor_factory"
_ORIGINAL_ON_SERVER = "_oxitel_orig_server_cursor_factory"


class CursorTracer(ComposedCursorTracer[CursorT]):
    """The calls of a cursor as spans; what is composed of `psycopg.sql` is rendered."""


class DatabaseApiIntegration(_DatabaseApiIntegration):
    """Makes connections whose cursors are traced."""

    def wrapped_connection(
        self, connect_method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return self.traced(connect_method(*args, **kwargs))

    def traced(self, connection: Any) -> Any:
        self.get_connection_attributes(connection)
        _set_factories(connection, self.cursor_class)
        return connection

    def cursor_class(self, base: Any) -> Any:
        """A class of traced cursors like `base`."""
        return _new_cursor_factory(self, base)


class DatabaseApiAsyncIntegration(DatabaseApiIntegration):
    """The same with asyncio."""

    async def wrapped_connection(
        self, connect_method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return self.traced(await connect_method(*args, **kwargs))

    def cursor_class(self, base: Any) -> Any:
        return _new_cursor_async_factory(self, base)


def _set_factories(connection: Any, traced: Callable[[Any], Any]) -> None:
    connection.cursor_factory = traced(connection.cursor_factory)
    on_server = getattr(connection, "server_cursor_factory", None)
    if on_server is not None:
        connection.server_cursor_factory = traced(on_server)


def _new_cursor_factory(
    db_api: _DatabaseApiIntegration | None = None,
    base_factory: Any = None,
    tracer_provider: TracerProvider | None = None,
    enable_commenter: bool = False,
    commenter_options: dict[str, Any] | None = None,
    enable_attribute_commenter: bool = False,
) -> Any:
    """A class of cursors whose calls are spans, like `base_factory`."""
    import psycopg

    database = _tracer(
        db_api,
        tracer_provider=tracer_provider,
        enable_commenter=enable_commenter,
        commenter_options=commenter_options,
        enable_attribute_commenter=enable_attribute_commenter,
    ).database
    base = base_factory or psycopg.Cursor
    return traced_cursor_class(base, database, _METHODS) if isinstance(base, type) else base


def _new_cursor_async_factory(
    db_api: _DatabaseApiIntegration | None = None,
    base_factory: Any = None,
    tracer_provider: TracerProvider | None = None,
    enable_commenter: bool = False,
    commenter_options: dict[str, Any] | None = None,
    enable_attribute_commenter: bool = False,
) -> Any:
    """The same with asyncio."""
    import psycopg

    database = _tracer(
        db_api,
        tracer_provider=tracer_provider,
        enable_commenter=enable_commenter,
        commenter_options=commenter_options,
        enable_attribute_commenter=enable_attribute_commenter,
    ).database
    base = base_factory or psycopg.AsyncCursor
    return traced_async_cursor_class(base, database, _METHODS) if isinstance(base, type) else base


def _tracer(db_api: _DatabaseApiIntegration | None, **options: Any) -> CursorTracer[Any]:
    return CursorTracer(db_api or _integration(DatabaseApiIntegration, **options))


def _integration(kind: type[DatabaseApiIntegration], **options: Any) -> DatabaseApiIntegration:
    import psycopg

    return make_integration(kind, _NAME, psycopg, options)


_options: dict[str, Any] = {}


def _patch(module: ModuleType) -> None:
    def connecting(kind: type[DatabaseApiIntegration]) -> Any:
        return lambda wrapped, instance, args, kwargs: _integration(
            kind, **_options
        ).wrapped_connection(wrapped, args, kwargs)

    _patches.wrap_bound(module, "connect", connecting(DatabaseApiIntegration))
    _patches.wrap_bound(module.Connection, "connect", connecting(DatabaseApiIntegration))
    _patches.wrap_bound(module.AsyncConnection, "connect", connecting(DatabaseApiAsyncIntegration))


_patches = Patches({"psycopg": _patch})


@official("opentelemetry.instrumentation.psycopg")
class PsycopgInstrumentor(Instrumentor):
    """Instruments psycopg 3.

    `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `enable_commenter`, `commenter_options`, `enable_attribute_commenter`: comments of
      sqlcommenter's, as `DatabaseApiIntegration` has them;
    - `capture_parameters`: whether parameters become `db.statement.parameters`;
    - `sanitize_query`: whether statements are recorded without their literals; what
      `OTEL_PYTHON_INSTRUMENTATION_SANITIZE_SQL` says if not given.
    """

    _CONNECTION_ATTRIBUTES = CONNECTION_ATTRIBUTES
    _DATABASE_SYSTEM = DATABASE_SYSTEM

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        global _options
        _options = options_of(kwargs)
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        _patches.switch_off()

    @staticmethod
    def instrument_connection(
        connection: Any,
        tracer_provider: TracerProvider | None = None,
        enable_commenter: bool = False,
        commenter_options: dict[str, Any] | None = None,
        enable_attribute_commenter: bool = False,
    ) -> Any:
        """Have the cursors that a connection makes from now on traced."""
        import psycopg

        if getattr(connection, _FLAG, False):
            _logger.warning(
                "Attempting to instrument Psycopg connection while already instrumented"
            )
            return connection
        is_async = isinstance(connection, psycopg.AsyncConnection)
        kind = DatabaseApiAsyncIntegration if is_async else DatabaseApiIntegration
        integration = _integration(
            kind,
            tracer_provider=tracer_provider,
            enable_commenter=enable_commenter,
            commenter_options=commenter_options,
            enable_attribute_commenter=enable_attribute_commenter,
        )
        setattr(connection, _ORIGINAL, connection.cursor_factory)
        on_server = getattr(connection, "server_cursor_factory", None)
        setattr(connection, _ORIGINAL_ON_SERVER, on_server)
        integration.traced(connection)
        setattr(connection, _FLAG, True)
        return connection

    @staticmethod
    def uninstrument_connection(connection: Any) -> Any:
        """Have its further cursors not traced."""
        connection.cursor_factory = getattr(connection, _ORIGINAL, None)
        on_server = getattr(connection, _ORIGINAL_ON_SERVER, None)
        if on_server is not None:
            connection.server_cursor_factory = on_server
        setattr(connection, _FLAG, False)
        return connection
