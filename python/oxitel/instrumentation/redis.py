"""RedisInstrumentor: traces of redis-py, of its clusters and pipelines, with and without asyncio.

Official name: `opentelemetry.instrumentation.redis`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from logging import getLogger
from types import MethodType, ModuleType
from typing import Any

from opentelemetry.trace import TracerProvider

from oxitel import _native
from oxitel.official_name import official
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .database.instruments import DatabaseInstruments, port_of
from .http.arguments import hook_of
from .instrumentor import Instrumentor
from .patching import Patches
from .redis_commands import (
    OF_SEARCH,
    _add_create_attributes,
    _add_search_attributes,
    _build_span_meta_data_for_pipeline,
    _build_span_name,
    _format_command_args,
    described,
)

_NAME = "opentelemetry.instrumentation.redis"
_logger = getLogger(_NAME)

_instruments = ("redis >= 2.6",)
_semconv_status = "migration"

_INSTRUMENTATION_ATTR = "_is_instrumented_by_opentelemetry"
_DATABASE = "_oxitel_database"
# Commands whose names and texts are kept; a longer one is something else.
_LONGEST_KEPT = 50
_SOCKET, _TCP = ("other", "unix"), ("ip_tcp", "tcp")

Hook = Callable[..., Any]


class _Tracing:
    """Tracer and hooks of one `instrument`, or of one client."""

    def __init__(self, tracer_provider: Any, request_hook: Any, response_hook: Any) -> None:
        hooks = {"request_hook": request_hook, "response_hook": response_hook}
        self.request_hook = hook_of(hooks, "request_hook")
        self.response_hook = hook_of(hooks, "response_hook")
        self.has_hooks = (self.request_hook, self.response_hook) != (None, None)
        self._instruments = DatabaseInstruments(_NAME, OFFICIAL_CONTRIB_VERSION, tracer_provider)
        # Of clusters, whose nodes differ, and of pools that do not say where they are.
        self._cluster = self._instruments.native("redis", "redis", is_sanitized=False)
        self._unknown = self._instruments.native("", "redis", is_sanitized=False)

    def database(self, client: Any) -> _native.Database:
        """The native side, kept at the client's pool of connections; a cluster has several."""
        pool = getattr(client, "connection_pool", None)
        if pool is None:
            return self._cluster
        kept = getattr(pool, "__dict__", {}).get(_DATABASE)
        if kept is not None and kept[0] is self:
            return kept[1]
        settings = getattr(pool, "connection_kwargs", None)
        if not isinstance(settings, dict):
            return self._unknown
        if "path" in settings:
            where = {"address": settings["path"], "transport": _SOCKET}
        else:
            where = {
                "address": settings.get("host", "localhost"),
                "port": port_of(settings.get("port", 6379)),
                "transport": _TCP,
            }
        database = self._instruments.native(
            "redis",
            "redis",
            is_sanitized=False,
            database_index=int(settings.get("db") or 0),
            **where,
        )
        try:
            setattr(pool, _DATABASE, (self, database))
        except AttributeError:
            pass
        return database

    def begin(self, client: Any, args: tuple[Any, ...]) -> _native.DatabaseCall | None:
        try:
            command = args[0] if args else None
            if type(command) is str and 0 < len(command) < _LONGEST_KEPT:
                name, text = described(command, len(args))
            else:
                name, text = _build_span_name(client, args), _format_command_args(args)
            return self.database(client).begin(name, text, arguments=len(args))
        except Exception:
            _patches.say_failed()
            return None

    def begin_pipeline(self, pipeline: Any) -> _native.DatabaseCall | None:
        try:
            stack, text, name = _build_span_meta_data_for_pipeline(pipeline)
            return self.database(pipeline).begin(name, text, pipeline_length=len(stack))
        except Exception:
            _patches.say_failed()
            return None

    def before(self, call: _native.DatabaseCall, client: Any, args: Any, kwargs: Any) -> None:
        if args and args[0] == "FT.CREATE" and call.is_recording:
            call.call_hook(_add_create_attributes, args)
        if self.request_hook is not None:
            _call_hook(self.request_hook, call.span, client, args, kwargs)

    def after(self, call: _native.DatabaseCall, client: Any, response: Any) -> None:
        if self.response_hook is not None:
            _call_hook(self.response_hook, call.span, client, response)

    def after_command(
        self, call: _native.DatabaseCall, client: Any, args: Any, response: Any
    ) -> None:
        if args and args[0] == "FT.SEARCH" and call.is_recording:
            call.call_hook(_add_search_attributes, response, args)
        self.after(call, client, response)


def _call_hook(hook: Hook, *args: Any) -> None:
    try:
        hook(*args)
    except Exception:
        _logger.warning("Exception raised by hook %r", hook, exc_info=True)


TracingOf = Callable[[], _Tracing | None]


def _command(original: Callable[..., Any], tracing_of: TracingOf) -> Callable[..., Any]:
    def execute_command(self: Any, *args: Any, **kwargs: Any) -> Any:
        tracing = tracing_of()
        call = None if tracing is None else tracing.begin(self, args)
        if tracing is None or call is None:
            return original(self, *args, **kwargs)
        with call:
            if not (tracing.has_hooks or (args and args[0] in OF_SEARCH)):
                return original(self, *args, **kwargs)
            tracing.before(call, self, args, kwargs)
            response = original(self, *args, **kwargs)
            tracing.after_command(call, self, args, response)
            return response

    return execute_command


def _pipeline(original: Callable[..., Any], tracing_of: TracingOf) -> Callable[..., Any]:
    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        tracing = tracing_of()
        call = None if tracing is None else tracing.begin_pipeline(self)
        if tracing is None or call is None:
            return original(self, *args, **kwargs)
        conflict = response = None
        with call:
            try:
                response = original(self, *args, **kwargs)
            except _watch_error() as error:
                # That somebody was faster is no failure.
                conflict = error
            tracing.after(call, self, response)
        if conflict is not None:
            raise conflict
        return response

    return execute


def _async_command(original: Callable[..., Any], tracing_of: TracingOf) -> Callable[..., Any]:
    async def execute_command(self: Any, *args: Any, **kwargs: Any) -> Any:
        tracing = tracing_of()
        call = None if tracing is None else tracing.begin(self, args)
        if tracing is None or call is None:
            return await original(self, *args, **kwargs)
        with call:
            if not (tracing.has_hooks or (args and args[0] in OF_SEARCH)):
                return await original(self, *args, **kwargs)
            tracing.before(call, self, args, kwargs)
            response = await original(self, *args, **kwargs)
            tracing.after_command(call, self, args, response)
            return response

    return execute_command


def _async_pipeline(original: Callable[..., Any], tracing_of: TracingOf) -> Callable[..., Any]:
    async def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        tracing = tracing_of()
        call = None if tracing is None else tracing.begin_pipeline(self)
        if tracing is None or call is None:
            return await original(self, *args, **kwargs)
        conflict = response = None
        with call:
            try:
                response = await original(self, *args, **kwargs)
            except _watch_error() as error:
                conflict = error
            tracing.after(call, self, response)
        if conflict is not None:
            raise conflict
        return response

    return execute


def _watch_error() -> type[Exception]:
    from redis import WatchError

    return WatchError


_tracing: _Tracing | None = None


def _current() -> _Tracing | None:
    return _tracing if _patches.is_on else None


Wrapping = Callable[[Callable[..., Any], TracingOf], Callable[..., Any]]


def _with_current(wrapping: Wrapping, original: Callable[..., Any]) -> Callable[..., Any]:
    return wrapping(original, _current)


def _patch_with(command: Wrapping, pipeline: Wrapping) -> Callable[[ModuleType], None]:
    """For a module, whichever of these classes it has."""
    points = (
        # Called StrictRedis before redis-py 3, of which Redis was derived.
        (("Redis",), "execute_command", command),
        (("Pipeline", "BasePipeline"), "execute", pipeline),
        (("Pipeline", "BasePipeline"), "immediate_execute_command", command),
        (("RedisCluster",), "execute_command", command),
        (("ClusterPipeline",), "execute", pipeline),
    )

    def patch(module: ModuleType) -> None:
        for classes, name, wrapping in points:
            for class_name in classes:
                owner = module.__dict__.get(class_name)
                if owner is None or owner.__module__ != module.__name__:
                    continue
                _patches.wrap(owner, name, partial(_with_current, wrapping))

    return patch


_sync, _async = _patch_with(_command, _pipeline), _patch_with(_async_command, _async_pipeline)
_patches = Patches(
    {
        "redis.client": _sync,
        "redis.cluster": _sync,
        "redis.asyncio.client": _async,
        "redis.asyncio.cluster": _async,
    }
)


@official("opentelemetry.instrumentation.redis")
class RedisInstrumentor(Instrumentor):
    """Instruments redis-py.

    `instrument` takes these keyword arguments:

    - `tracer_provider`: the global one if not given;
    - `request_hook(span, instance, args, kwargs)`: called before a command is sent;
    - `response_hook(span, instance, response)`: called with what a command or pipeline gave.

    What a hook raises is logged.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def instrument(
        self,
        tracer_provider: TracerProvider | None = None,
        request_hook: Hook | None = None,
        response_hook: Hook | None = None,
        **kwargs: Any,
    ) -> Any:
        return super().instrument(
            tracer_provider=tracer_provider,
            request_hook=request_hook,
            response_hook=response_hook,
            **kwargs,
        )

    def _instrument(self, **kwargs: Any) -> None:
        global _tracing
        _tracing = _Tracing(
            kwargs.get("tracer_provider"), kwargs.get("request_hook"), kwargs.get("response_hook")
        )
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        _patches.switch_off()

    @staticmethod
    def instrument_client(
        client: Any,
        tracer_provider: TracerProvider | None = None,
        request_hook: Hook | None = None,
        response_hook: Hook | None = None,
    ) -> None:
        """Instrument one client of any kind; the arguments are those of `instrument`."""
        if getattr(client, _INSTRUMENTATION_ATTR, False):
            _logger.warning("Attempting to instrument Redis connection while already instrumented")
            return
        tracing = _Tracing(tracer_provider, request_hook, response_hook)
        is_async = any(kind.__module__.startswith("redis.asyncio") for kind in type(client).__mro__)
        command, pipeline = (_async_command, _async_pipeline) if is_async else (_command, _pipeline)

        def put(owner: Any, name: str, make: Wrapping) -> None:
            original = getattr(type(owner), name, None)
            if original is not None:
                if _patches.is_wrapper(original):
                    original = original.__wrapped__
                setattr(owner, name, MethodType(make(original, lambda: tracing), owner))

        def traced_pipeline(self: Any, *args: Any, **kwargs: Any) -> Any:
            made = type(self).pipeline(self, *args, **kwargs)
            put(made, "execute", pipeline)
            put(made, "immediate_execute_command", command)
            return made

        put(client, "execute_command", command)
        client.pipeline = MethodType(traced_pipeline, client)
        setattr(client, _INSTRUMENTATION_ATTR, True)

    @staticmethod
    def uninstrument_client(client: Any) -> None:
        """Undo `instrument_client`; pipelines that it has made stay as they are."""
        if not getattr(client, _INSTRUMENTATION_ATTR, False):
            _logger.warning("Attempting to un-instrument Redis connection that wasn't instrumented")
            return
        for name in ("execute_command", "pipeline"):
            client.__dict__.pop(name, None)
        setattr(client, _INSTRUMENTATION_ATTR, False)
