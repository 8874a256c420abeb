"""Psycopg2Instrumentor: traces and metrics of psycopg2.

Official name: `opentelemetry.instrumentation.psycopg2`.

`psycopg2.connect` gets a `connection_factory` that derives from the one it would have, so that
every cursor is traced, whatever `cursor_factory` it is made by.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from importlib.metadata import PackageNotFoundError, distribution
from logging import getLogger
from threading import Lock
from types import ModuleType
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from opentelemetry.trace import TracerProvider

from oxitel.official_name import official

from .database.classes import connection_class, traced_cursor_class
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

_NAME = "opentelemetry.instrumentation.psycopg2"
_METHODS = ("execute", "executemany", "callproc")
_logger = getLogger(_NAME)

_instruments_psycopg2 = "psycopg2 >= 2.7.3.1"
_instruments_psycopg2_binary = "psycopg2-binary >= 2.7.3.1"
_instruments = ()
_instruments_any = (_instruments_psycopg2, _instruments_psycopg2_binary)
_semconv_status = "migration"


class CursorTracer(ComposedCursorTracer[CursorT]):
    """The calls of a cursor as spans; what is composed of `psycopg2.sql` is rendered."""


class DatabaseApiIntegration(_DatabaseApiIntegration):
    """Makes connections whose cursors are traced."""

    def wrapped_connection(
        self, connect_method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        from psycopg2 import extensions

        plain = extensions.connection
        is_by_position = len(args) > 1
        factory = args[1] if is_by_position else kwargs.get("connection_factory")
        if factory is None:
            factory = plain
        if isinstance(factory, type) and issubclass(factory, plain):
            factory = _connection_class(factory, plain)
            if is_by_position:
                args = (args[0], factory, *args[2:])
            else:
                kwargs["connection_factory"] = factory
        connection = connect_method(*args, **kwargs)
        self.get_connection_attributes(connection)
        if hasattr(connection, "_oxitel_integration"):
            connection._oxitel_integration = self
        else:
            connection.cursor_factory = self.cursor_class(connection.cursor_factory)
        return connection

    def cursor_class(self, base: Any) -> Any:
        """A class of traced cursors like `base`."""
        return _new_cursor_factory(self, base)


_connection_classes: dict[type, type] = {}
_mixins: dict[type, type] = {}


def _connection_class(factory: type, plain: type) -> type:
    found = _connection_classes.get(factory)
    if found is None:
        mixin = _mixins.get(plain)
        if mixin is None:
            mixin = _mixins[plain] = _mixin(plain)
        found = _connection_classes[factory] = connection_class(factory, plain, mixin)
    return found


def _mixin(plain: Any) -> type:
    cursor_of = plain.cursor

    class connection(plain):  # type: ignore[misc]
        _oxitel_integration: Any = None
        _oxitel_classes: Any = None

        def cursor(
            self, name: Any = None, cursor_factory: Any = None, *args: Any, **kw: Any
        ) -> Any:
            integration = self._oxitel_integration
            if integration is None:
                return cursor_of(self, name, cursor_factory, *args, **kw)
            factory = cursor_factory or self.cursor_factory or _plain_cursor()
            if isinstance(factory, type):
                classes = self._oxitel_classes
                if classes is None:
                    classes = self._oxitel_classes = {}
                traced = classes.get(factory)
                if traced is None:
                    traced = classes[factory] = integration.cursor_class(factory)
                factory = traced
            return cursor_of(self, name, factory, *args, **kw)

    return connection


def _plain_cursor() -> Any:
    # Programs replace it in their tests, where it has its official name.
    official = sys.modules.get(_NAME)
    found = vars(official).get("pg_cursor") if official else None
    if found is not None:
        return found
    from psycopg2 import extensions

    return extensions.cursor


def _new_cursor_factory(
    db_api: _DatabaseApiIntegration | None = None,
    base_factory: Any = None,
    tracer_provider: TracerProvider | None = None,
    enable_commenter: bool = False,
    commenter_options: dict[str, Any] | None = None,
    enable_attribute_commenter: bool = False,
) -> type:
    """A class of cursors whose calls are spans, like `base_factory`."""
    if db_api is None:
        db_api = _integration(
            tracer_provider=tracer_provider,
            enable_commenter=enable_commenter,
            commenter_options=commenter_options,
            enable_attribute_commenter=enable_attribute_commenter,
        )
    database = CursorTracer[Any](db_api).database
    return traced_cursor_class(base_factory or _plain_cursor(), database, _METHODS)


def _integration(**options: Any) -> DatabaseApiIntegration:
    import psycopg2

    return make_integration(DatabaseApiIntegration, _NAME, psycopg2, options)


_options: dict[str, Any] = {}


def _patch(module: ModuleType) -> None:
    def connect(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return _integration(**_options).wrapped_connection(wrapped, args, kwargs)

    _patches.wrap_bound(module, "connect", connect)


_patches = Patches({"psycopg2": _patch})


@official("opentelemetry.instrumentation.psycopg2")
class Psycopg2Instrumentor(Instrumentor):
    """Instruments psycopg2.

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
    _INSTRUMENTED_CONNECTIONS: ClassVar[WeakKeyDictionary[Any, Any]] = WeakKeyDictionary()
    _INSTRUMENTED_CONNECTIONS_LOCK = Lock()

    def instrumentation_dependencies(self) -> Collection[str]:
        for name, requirement in (
            ("psycopg2", _instruments_psycopg2),
            ("psycopg2-binary", _instruments_psycopg2_binary),
        ):
            try:
                distribution(name)
            except PackageNotFoundError:
                continue
            return (requirement,)
        return _instruments_any

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
        known = Psycopg2Instrumentor._INSTRUMENTED_CONNECTIONS
        with Psycopg2Instrumentor._INSTRUMENTED_CONNECTIONS_LOCK:
            if connection in known or getattr(connection, "_oxitel_integration", None) is not None:
                _logger.warning(
                    "Attempting to instrument Psycopg connection while already instrumented"
                )
                return connection
            integration = _integration(
                tracer_provider=tracer_provider,
                enable_commenter=enable_commenter,
                commenter_options=commenter_options,
                enable_attribute_commenter=enable_attribute_commenter,
            )
            integration.get_connection_attributes(connection)
            original = connection.cursor_factory
            if hasattr(connection, "_oxitel_integration"):
                connection._oxitel_integration = integration
                return connection
            connection.cursor_factory = _new_cursor_factory(integration, original)
            known[connection] = original
        return connection

    @staticmethod
    def uninstrument_connection(connection: Any) -> Any:
        """Have its further cursors not traced."""
        if getattr(connection, "_oxitel_integration", None) is not None:
            connection._oxitel_integration = connection._oxitel_classes = None
            return connection
        with Psycopg2Instrumentor._INSTRUMENTED_CONNECTIONS_LOCK:
            original = Psycopg2Instrumentor._INSTRUMENTED_CONNECTIONS.pop(connection, None)
        connection.cursor_factory = original
        return connection
