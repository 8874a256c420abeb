"""AioHttpClientInstrumentor: traces and metrics of the requests of aiohttp's client sessions.

Official name: `opentelemetry.instrumentation.aiohttp_client`. Each session gets a trace
configuration of aiohttp: one span for a request with all its redirects, which ends with the headers
of the answer.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Awaitable, Callable, Collection, Generator, Sequence
from itertools import chain
from types import ModuleType, coroutine
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from oxitel import _native
from oxitel.official_name import official

from .conventions import Conventions, conventions_of, http_conventions
from .http.arguments import hook_of, say_unusable
from .http.client import ClientInstruments, filtered, say_failed
from .http.excluded_urls import excluded_by
from .http.headers import CLIENT_REQUEST, CLIENT_RESPONSE, Capture, captures
from .instrumentor import Instrumentor
from .patching import Patches

if TYPE_CHECKING:
    import aiohttp
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

_NAME = "opentelemetry.instrumentation.aiohttp_client"
_FLAG = "_is_instrumented_by_opentelemetry"
_DIRECT = "_oxitel_traces_directly"

_instruments = ("aiohttp ~= 3.0",)
_supports_metrics = True
_semconv_status = "migration"

UrlFilter = Callable[[Any], str]
Hook = Callable[[Any, Any], None]


class _Instrumentation:
    """What the requests of one trace configuration, or of all sessions, are recorded with."""

    def __init__(
        self,
        conventions: Conventions,
        hooks: dict[str, Any],
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        captured: tuple[Capture, Capture],
    ) -> None:
        self.url_filter = hook_of(hooks, "url_filter", "filter")
        self.request_hook = hook_of(hooks, "request_hook")
        self.response_hook = hook_of(hooks, "response_hook")
        self.captured_request, self.captured_response = captured
        self.captures_response = bool(self.captured_response)
        self.sees_answers = self.captures_response or self.response_hook is not None
        # Whether nothing of the program's runs in the call but the sending.
        self.sends_at_once = self.request_hook is None and not self.captured_request
        self.excluded = excluded_by(None, "AIOHTTP_CLIENT")
        instruments = ClientInstruments(
            _NAME, tracer_provider, meter_provider, conventions=conventions
        )
        # A URL that is filtered is compared before.
        self.client = instruments.native(
            None if self.url_filter is not None else self.excluded,
            measures_scheme=False,
            describes_by_type=True,
        )
        is_plain = self.sends_at_once and not self.sees_answers and self.url_filter is None
        self.at_once = self.client if is_plain else None

    def begin(self, method: str, url: Any, headers: Any) -> _native.ClientCall | None:
        text = _text(url)
        if self.url_filter is not None:
            if self.excluded is not None and self.excluded.url_disabled(text):
                return None
            text = filtered(self.url_filter, url)
        if self.sends_at_once:
            return self.client.send(method, text, headers)
        call = self.client.begin(method, text)
        if call is not None:
            if self.captured_request:
                call.set_attributes(self.captured_request.attributes(_listed(headers)))
            if self.request_hook is not None:
                from aiohttp import TraceRequestStartParams

                call.call_hook(self.request_hook, TraceRequestStartParams(method, url, headers))
            call.sends(headers)
        return call

    def answered(
        self, call: _native.ClientCall, method: str, url: Any, headers: Any, response: Any
    ) -> None:
        if self.response_hook is not None:
            from aiohttp import TraceRequestEndParams

            params = TraceRequestEndParams(method, url, headers, response)
            call.call_hook(self.response_hook, params)
        call.answered(response.status)
        if self.captures_response:
            call.set_attributes(self.captured_response.attributes(_listed(response.headers)))

    def failed(
        self, call: _native.ClientCall, method: str, url: Any, headers: Any, error: Any
    ) -> None:
        call.failed(error)
        if self.response_hook is not None:
            from aiohttp import TraceRequestExceptionParams

            params = TraceRequestExceptionParams(method, url, headers, error)
            call.call_hook(self.response_hook, params)


def _listed(headers: Any) -> dict[str, list[str]]:
    return {name: headers.getall(name) for name in headers}


_known_url: type[Any] | None = None
"""The class of URLs, if it is seen to keep them in the parts that native code reads."""


def _text(url: Any) -> str:
    if type(url) is _known_url:
        return _native.url_text(url)
    return str(url)


def _look_at(kind: Any) -> None:
    global _known_url
    for text in ("http://user:a%20b@[::1]:8080/b%20c/d", "https://localhost/a?b=c%20d"):
        _known_url = kind
        try:
            is_known = _text(kind(text)) == str(kind(text)) == text
        except Exception:
            is_known = False
        if not is_known:
            _known_url = None
            return


@coroutine
def _nothing() -> Generator[Any, Any, None]:
    return
    yield


# What is awaited where there is nothing to wait for: a coroutine takes longer than all that is done
# in it. An exhausted generator can be awaited as often as one likes.
_DONE: Any = _nothing()
next(_DONE, None)


class _Request:
    """What a `ClientTrace` is, for an instrumentation that needs Python: aiohttp tells it of each
    step of a request, and awaits what it gives."""

    __slots__ = ("_call", "_own")

    def __init__(
        self, own: _Instrumentation | None = None, *, trace_request_ctx: Any = None
    ) -> None:
        self._own = own
        self._call: _native.ClientCall | None = None

    def send_request_start(self, method: str, url: Any, headers: Any) -> Awaitable[None]:
        if self._own is not None:
            try:
                self._call = self._own.begin(method, url, headers)
            except Exception:
                say_failed()
        return _DONE

    def send_request_end(
        self, method: str, url: Any, headers: Any, response: Any
    ) -> Awaitable[None]:
        call = self._call
        if call is not None and self._own is not None:
            try:
                self._own.answered(call, method, url, headers, response)
            except Exception:
                say_failed()
            call.finish()
        return _DONE

    def send_request_exception(
        self, method: str, url: Any, headers: Any, error: Any
    ) -> Awaitable[None]:
        call = self._call
        if call is not None and self._own is not None:
            try:
                self._own.failed(call, method, url, headers, error)
            except Exception:
                say_failed()
            call.finish()
        return _DONE


def _pass_by(*arguments: Any) -> Awaitable[None]:
    return _DONE


_REQUESTS = (_native.ClientTrace, _Request)


def _request_of(context: Any) -> Any:
    """What a request is recorded with, by the library's context of it."""
    return context if type(context) in _REQUESTS else context.oxitel_request


def _trace_config() -> tuple[aiohttp.TraceConfig, _native.ClientTraces]:
    """A configuration, and what makes the object that each of its requests is recorded with."""
    from aiohttp import TraceConfig, client

    _trace_directly(client)
    traces = _native.ClientTraces.new(_Request, _DONE, _known_url)

    async def on_request_start(session: Any, context: Any, params: Any) -> None:
        if type(context) not in _REQUESTS:
            context.oxitel_request = traces()
        request = _request_of(context)
        await request.send_request_start(params.method, params.url, params.headers)

    async def on_request_end(session: Any, context: Any, params: Any) -> None:
        request = _request_of(context)
        await request.send_request_end(params.method, params.url, params.headers, params.response)

    async def on_request_exception(session: Any, context: Any, params: Any) -> None:
        request = _request_of(context)
        await request.send_request_exception(
            params.method, params.url, params.headers, params.exception
        )

    receivers = [on_request_start, on_request_end, on_request_exception]

    class Config(TraceConfig):
        def freeze(self) -> None:
            super().freeze()
            # From now on, nobody can add any.
            kind = type(self.on_request_start)
            # At once: another thread may be here too.
            values = list(vars(self).values())
            signals = [value for value in values if isinstance(value, kind)]
            if set(map(id, chain(*signals))) == set(map(id, receivers)):
                # Nobody else sees the context of a request, unless the program makes it.
                vars(self).setdefault("trace_config_ctx", traces)

    config = Config()
    config.on_request_start.append(on_request_start)
    config.on_request_end.append(on_request_end)
    config.on_request_exception.append(on_request_exception)
    return config, traces


def _trace_directly(module: Any) -> None:
    """Have aiohttp call us, where a configuration has no other receivers: its own `Trace` makes
    parameters and three coroutines of each step of a request, most of which nobody receives."""
    original = getattr(module, "Trace", None)
    if original is None or hasattr(original, _DIRECT):
        return
    _look_at(getattr(module, "URL", None))
    for name in vars(original):
        if name.startswith("send_") and not hasattr(_Request, name):
            setattr(_Request, name, _pass_by)
            setattr(_native.ClientTrace, name, _native.ClientTrace.pass_by)

    def trace(session: Any, trace_config: Any, trace_config_ctx: Any) -> Any:
        if type(trace_config_ctx) in _REQUESTS:
            return trace_config_ctx
        return original(session, trace_config, trace_config_ctx)

    setattr(trace, _DIRECT, True)
    module.Trace = trace


def create_trace_config(
    url_filter: UrlFilter | None = None,
    request_hook: Hook | None = None,
    response_hook: Hook | None = None,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    sem_conv_opt_in_mode: Any = None,
    captured_request_headers: list[str] | None = None,
    captured_response_headers: list[str] | None = None,
    sensitive_headers: list[str] | None = None,
) -> aiohttp.TraceConfig:
    """A trace configuration for `aiohttp.ClientSession(trace_configs=[…])`.

    `url_filter(yarl.URL)` gives the URL that the span has; the hooks are those of
    `AioHttpClientInstrumentor`; the lists of headers are regular expressions. The conventions are
    those of `OTEL_SEMCONV_STABILITY_OPT_IN`, unless `sem_conv_opt_in_mode` says otherwise.
    """
    conventions = http_conventions()
    if sem_conv_opt_in_mode is not None:
        conventions = conventions_of(sem_conv_opt_in_mode)
    hooks = {
        "url_filter": url_filter,
        "request_hook": request_hook,
        "response_hook": response_hook,
    }
    captured = captures(
        "captured_request_headers",
        "captured_response_headers",
        captured_request_headers,
        captured_response_headers,
        sensitive_headers,
    )
    own = _Instrumentation(conventions, hooks, tracer_provider, meter_provider, captured)
    config, traces = _trace_config()
    traces.record_with(own)
    return config


_for_all: _Instrumentation | None = None
_configs: Sequence[Any] = ()
# The configuration that all sessions share and what makes its requests, once aiohttp is there.
_shared: list[tuple[Any, _native.ClientTraces]] = []
_left_alone: WeakSet[Any] = WeakSet()


def _shared_config() -> Any:
    if not _shared:
        config, traces = _trace_config()
        setattr(config, _FLAG, True)
        config.freeze()
        # Two threads may make their first sessions at once; a lock would stay locked in a fork.
        _shared.append((config, traces))
        _record()
    return _shared[0][0]


def _record() -> None:
    """Have the sessions' requests recorded with what there is for all, or not recorded."""
    for _, traces in _shared[:]:
        traces.record_with(_for_all)


def _patch(module: ModuleType) -> None:
    def init(original: Callable[..., None]) -> Callable[..., None]:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            if _for_all is not None:
                given = kwargs.get("trace_configs") or ()
                try:
                    kwargs["trace_configs"] = [*given, *_configs, _shared_config()]
                except Exception:
                    say_failed()
            original(self, *args, **kwargs)

        return __init__

    _patches.wrap(module.ClientSession, "__init__", init)


def _reach_sessions() -> None:
    """Instrument the sessions that exist already."""
    kind = getattr(sys.modules.get("aiohttp.client"), "ClientSession", None)
    if kind is None:
        return
    for session in [found for found in gc.get_objects() if issubclass(type(found), kind)]:
        configs = getattr(session, "_trace_configs", None)
        if configs is None or session in _left_alone:
            continue
        if not any(getattr(config, _FLAG, False) for config in configs):
            more = [*_configs, _shared_config()]
            for config in more:
                config.freeze()
            session._trace_configs = [*configs, *more]


_patches = Patches({"aiohttp.client": _patch})


@official("opentelemetry.instrumentation.aiohttp_client")
class AioHttpClientInstrumentor(Instrumentor):
    """Instruments aiohttp's client sessions, those that exist already too.

    `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `url_filter(yarl.URL)`: gives the URL that the span has;
    - `request_hook(span, TraceRequestStartParams)`: called before the request is sent;
    - `response_hook(span, TraceRequestEndParams | TraceRequestExceptionParams)`: called with the
      answer, or with what there is in place of it;
    - `trace_configs`: more trace configurations for every session.

    `OTEL_PYTHON_AIOHTTP_CLIENT_EXCLUDED_URLS` says which URLs are not recorded. What a hook raises
    is logged.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        global _configs, _for_all
        given = kwargs.get("trace_configs") or ()
        if not isinstance(given, (list, tuple)):
            say_unusable("trace_configs", given, "a list of aiohttp.TraceConfig", "none")
            given = ()
        _configs = tuple(given)
        _for_all = _Instrumentation(
            http_conventions(),
            kwargs,
            kwargs.get("tracer_provider"),
            kwargs.get("meter_provider"),
            captures(CLIENT_REQUEST, CLIENT_RESPONSE),
        )
        _record()
        _patches.switch_on()
        _reach_sessions()

    def _uninstrument(self, **kwargs: Any) -> None:
        global _configs, _for_all
        _configs, _for_all = (), None
        _record()
        _patches.switch_off()

    @staticmethod
    def uninstrument_session(client_session: Any) -> None:
        """Record nothing more of what this session sends."""
        _left_alone.add(client_session)
        client_session._trace_configs = [
            config for config in client_session._trace_configs if not hasattr(config, _FLAG)
        ]
