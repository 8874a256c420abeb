"""SQLAlchemyInstrumentor: traces and metrics of SQLAlchemy 1.4 to 2.1, with and without asyncio.

Official name: `opentelemetry.instrumentation.sqlalchemy`.

Engines are found where they are made and, those made before, where they connect: `Engine` is
patched, whoever calls it by whatever name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from logging import getLogger
from types import ModuleType
from typing import Any

from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.metrics import get_meter

from oxitel import _native
from oxitel.official_name import official
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .database.instruments import DatabaseInstruments
from .instrumentor import Instrumentor
from .patching import Patches
from .sqlalchemy_engine import _NAME, _TRACER, EngineTracer, _normalize_vendor

_instruments = ("sqlalchemy >= 1.0.0, < 2.2.0",)
_supports_metrics = True
_semconv_status = "migration"

_logger = getLogger(_NAME)


class _Tracing:
    """What the engines of one `instrument` share."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.instruments = DatabaseInstruments(
            _NAME, OFFICIAL_CONTRIB_VERSION, arguments.get("tracer_provider")
        )
        meter = get_meter(
            _NAME,
            OFFICIAL_CONTRIB_VERSION,
            arguments.get("meter_provider"),
            schema_url=self.instruments.schema_url,
        )
        self._connections_usage = meter.create_up_down_counter(
            name="db.client.connections.usage",
            unit="connections",
            description="The number of connections that are currently in state described by the"
            " state attribute.",
        )
        self._options = {
            "enable_commenter": arguments.get("enable_commenter", False),
            "commenter_options": arguments.get("commenter_options"),
            "enable_attribute_commenter": arguments.get("enable_attribute_commenter", False),
            "sanitize_query": arguments.get("sanitize_query"),
        }
        self._connecting: dict[Any, _native.Database] = {}

    def trace(self, engine: Any) -> EngineTracer:
        return EngineTracer(
            self.instruments.tracer, engine, self._connections_usage, **self._options
        )

    def connecting(self, engine: Any) -> _native.Database:
        """With which spans of connections to be had are recorded."""
        url = engine.url
        found = self._connecting.get(url)
        if found is None:
            found = self._connecting[url] = self.instruments.native(
                _normalize_vendor(engine.name),
                "connect",
                name=url.database,
                user=url.username,
                address=url.host,
                port=url.port,
            )
        return found


_tracing: _Tracing | None = None


def _patch(module: ModuleType) -> None:
    _patches.wrap(module.Engine, "__init__", _tracing_init)
    _patches.wrap(module.Engine, "connect", _tracing_connect)


def _tracing_init(init: Callable[..., Any]) -> Callable[..., Any]:
    # `create_engine` takes the arguments of its own that it finds by these names, and refuses all
    # others; they are the same in SQLAlchemy 1.4 to 2.1.
    def __init__(
        self: Any,
        pool: Any,
        dialect: Any,
        url: Any,
        logging_name: Any = None,
        echo: Any = None,
        query_cache_size: int = 500,
        execution_options: Any = None,
        hide_parameters: bool = False,
        **more: Any,
    ) -> None:
        named = (logging_name, echo, query_cache_size, execution_options, hide_parameters)
        init(self, pool, dialect, url, *named, **more)
        if _patches.is_on and is_instrumentation_enabled():
            _trace(self)

    return __init__


def _tracing_connect(connect: Callable[..., Any]) -> Callable[..., Any]:
    def traced_connect(self: Any, *args: Any, **kwargs: Any) -> Any:
        tracing = _tracing
        if tracing is None or not _patches.is_on or not is_instrumentation_enabled():
            return connect(self, *args, **kwargs)
        if _TRACER not in self.dialect.__dict__:
            _trace(self)
        call = tracing.connecting(self).begin("connect")
        if call is None:
            return connect(self, *args, **kwargs)
        with call:
            return connect(self, *args, **kwargs)

    return traced_connect


def _trace(engine: Any) -> EngineTracer | None:
    try:
        return _tracing.trace(engine) if _tracing is not None else None
    except Exception:
        _logger.exception("Failed to instrument an engine of SQLAlchemy, which stays as it is")
        return None


_patches = Patches({"sqlalchemy.engine.base": _patch})


@official("opentelemetry.instrumentation.sqlalchemy")
class SQLAlchemyInstrumentor(Instrumentor):
    """Instruments SQLAlchemy.

    `instrument` takes these keyword arguments:

    - `engine` or `engines`: whose tracers are returned; others are traced too;
    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `enable_commenter`, `commenter_options`, `enable_attribute_commenter`: comments of
      sqlcommenter's, as `EngineTracer` has them;
    - `sanitize_query`: whether statements are recorded without their literals; what
      `OTEL_PYTHON_INSTRUMENTATION_SANITIZE_SQL` says if not given.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> Any:
        global _tracing
        _tracing = _Tracing(kwargs)
        _patches.switch_on()
        engine = kwargs.get("engine")
        if engine is not None:
            return _tracing.trace(_sync(engine))
        engines = kwargs.get("engines")
        if isinstance(engines, Sequence):
            return [_tracing.trace(_sync(engine)) for engine in engines]
        return None

    def _uninstrument(self, **kwargs: Any) -> None:
        _patches.switch_off()
        if "sqlalchemy" in sys.modules:
            EngineTracer.remove_all_event_listeners()


def _sync(engine: Any) -> Any:
    """An engine with asyncio is one without inside."""
    return getattr(engine, "sync_engine", engine)
