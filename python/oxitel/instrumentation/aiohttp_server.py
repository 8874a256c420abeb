"""AioHttpServerInstrumentor: traces and metrics of aiohttp's applications, those that exist already
too.

Official name: `opentelemetry.instrumentation.aiohttp_server`.

A request begins in `Application._handle`, patched on the class, and gets its route and its name
when the router has found them. It ends with what the handler returns, or when that has been sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from logging import getLogger
from types import ModuleType
from typing import Any

from opentelemetry.metrics import get_meter

from oxitel import _native
from oxitel.official_name import official
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .aiohttp_server_attributes import _get_canonical_path, getter
from .conventions import OLD_HTTP_SCHEMA_URL, http_conventions
from .http.excluded_urls import ExcludeList, get_excluded_urls
from .http.headers import SERVER_REQUEST, SERVER_RESPONSE, captures
from .http.server import ServerInstruments
from .instrumentor import Instrumentor
from .patching import Patches

_NAME = "opentelemetry.instrumentation.aiohttp_server"
_logger = getLogger(_NAME)

_instruments = ("aiohttp ~= 3.0",)
_supports_metrics = True
_semconv_status = "migration"

_KEY = "oxitel.aiohttp.request"
_STREAMED_KEY = "oxitel.aiohttp.streamed"

Handler = Callable[[Any], Awaitable[Any]]


class _Instrumentation:
    """What requests are recorded with."""

    def __init__(self, tracer_provider: Any = None, meter_provider: Any = None) -> None:
        conventions = http_conventions()
        old_meter = None
        if conventions.old and conventions.new:
            old_meter = get_meter(
                _NAME, OFFICIAL_CONTRIB_VERSION, meter_provider, schema_url=OLD_HTTP_SCHEMA_URL
            )
        self.instruments = ServerInstruments(
            _NAME, tracer_provider, meter_provider, conventions=conventions, old_meter=old_meter
        )
        self.excluded: ExcludeList = get_excluded_urls("AIOHTTP_SERVER")
        self.server = self.instruments.native(
            getter=getter,
            request_hook=None,
            response_hook=None,
            captures=_captures,
            has_targets=False,
            ignores_current=True,
        )

    async def handle(self, request: Any, handler: Handler, is_routed: bool) -> Any:
        """Answer a request with `handler`. Where it is routed, its route is known."""
        if _KEY in request._state:
            return await handler(request)
        try:
            begun = self._begin(request, is_routed)
        except Exception:
            _logger.exception("Failed to trace a request, which goes on without it")
            begun = None
        if begun is None:
            return await handler(request)
        request._state[_KEY] = begun
        token = begun.enter()
        is_streamed = False
        try:
            response = await handler(request)
            self._answered(begun, request, response.status, response)
            if not is_routed and _is_streamed(response):
                request._state[_STREAMED_KEY] = begun
                is_streamed = True
            return response
        except BaseException as error:
            self._raised(begun, request, error)
            raise
        finally:
            request._state.pop(_KEY, None)
            begun.leave(token)
            if not is_streamed:
                begun.finish()

    def _begin(self, request: Any, is_routed: bool) -> _native.ServerRequest | None:
        headers = request.raw_headers
        excluded = self.excluded
        if excluded and excluded.url_disabled(request.path):
            return self.server.begin_told_excluded(request, headers)
        host, port, url = _url_of(request)
        version = request.version
        return self.server.begin_told(
            request,
            headers,
            method=request.method,
            route=_get_canonical_path(request) if is_routed else None,
            scheme=request.scheme,
            host=host,
            port=port,
            target=request.path_qs,
            path=request.rel_url.raw_path,
            url=url,
            server_name=request.host,
            user_agent=request.headers.get("User-Agent"),
            version="1.1" if version == (1, 1) else f"{version.major}.{version.minor}",
        )

    def _answered(
        self, begun: _native.ServerRequest, request: Any, status: Any, response: Any
    ) -> None:
        if begun.route is None:
            # A router of somebody else's.
            routed(request, request.match_info)
        begun.answered(status, response)

    def _raised(self, begun: _native.ServerRequest, request: Any, error: BaseException) -> None:
        from asyncio import TimeoutError as Timeout

        from aiohttp.web_exceptions import HTTPException, HTTPServerError

        if isinstance(error, HTTPException):
            self._answered(begun, request, error.status, error)
            if isinstance(error, HTTPServerError):
                begun.span.record_exception(error)
        elif isinstance(error, Exception):
            # What aiohttp answers, after the exception, which says more.
            begun.failed(error)
            begun.answered(504 if isinstance(error, Timeout) else 500, None)
            begun.failed(error)


def _captures() -> tuple[Any, Any]:
    request, response = captures(SERVER_REQUEST, SERVER_RESPONSE)
    return (
        (lambda source: request.attributes(source.headers)) if request else None,
        (lambda answer: response.attributes(answer.headers) if answer is not None else None)
        if response
        else None,
    )


def _url_of(request: Any) -> tuple[str | None, int | None, str | None]:
    """Host, port and URL, as far as there are any: clients send whatever they like."""
    try:
        url = request.url
        return url.host, url.port, str(url)
    except ValueError:
        return None, None, None


def _is_streamed(response: Any) -> bool:
    """Whether aiohttp has yet to make the body of an answer when the handler has returned it."""
    from aiohttp.payload import Payload
    from aiohttp.web_fileresponse import FileResponse

    return isinstance(response, FileResponse) or isinstance(
        getattr(response, "body", None), Payload
    )


def routed(request: Any, match_info: Any) -> None:
    """Note the route that a router has found."""
    begun = request._state.get(_KEY)
    if begun is None:
        return
    try:
        resource = match_info.route.resource
        route = "" if resource is None else resource.canonical
        method = begun.name.partition(" ")[0]
        begun.routed(f"{method} {route}" if route else method, route)
    except Exception:
        _logger.debug("Failed to note a route", exc_info=True)


_for_all: _Instrumentation | None = None


def _patch_application(module: ModuleType) -> None:
    def handle(original: Any) -> Any:
        def _handle(app: Any, request: Any) -> Any:
            instrumentation = _for_all
            if instrumentation is None:
                return original(app, request)
            if instrumentation.server.has_python_sampler:
                return _handle_routed(instrumentation, app, request, original)
            return instrumentation.handle(request, original.__get__(app), False)

        return _handle

    _patches.wrap(module.Application, "_handle", handle)


async def _handle_routed(
    instrumentation: _Instrumentation, app: Any, request: Any, original: Any
) -> Any:
    """As otherwise; a sampler written in Python is shown the route too."""
    request._match_info = await app.router.resolve(request)
    return await instrumentation.handle(request, original.__get__(app), True)


def _patch_router(module: ModuleType) -> None:
    def resolve(original: Any) -> Any:
        async def resolve(router: Any, request: Any) -> Any:
            match_info = await original(router, request)
            if _for_all is not None:
                routed(request, match_info)
            return match_info

        return resolve

    _patches.wrap(module.UrlDispatcher, "resolve", resolve)


def _patch_protocol(module: ModuleType) -> None:
    def finish_response(original: Any) -> Any:
        def finish_response(protocol: Any, request: Any, *args: Any) -> Any:
            begun = request._state.pop(_STREAMED_KEY, None)
            if begun is None:
                return original(protocol, request, *args)
            return _finish(begun, original(protocol, request, *args))

        return finish_response

    _patches.wrap(module.RequestHandler, "finish_response", finish_response)


async def _finish(begun: _native.ServerRequest, finishing: Awaitable[Any]) -> Any:
    token = begun.enter()
    try:
        return await finishing
    except BaseException as error:
        begun.failed(error)
        raise
    finally:
        begun.leave(token)
        begun.finish()


_patches = Patches(
    {
        "aiohttp.web_app": _patch_application,
        "aiohttp.web_urldispatcher": _patch_router,
        "aiohttp.web_protocol": _patch_protocol,
    }
)


def create_aiohttp_middleware(tracer_provider: Any = None) -> Callable[[Any, Handler], Any]:
    """A middleware for applications that are not instrumented otherwise."""
    own: _Instrumentation | None = None

    async def _middleware(request: Any, handler: Handler) -> Any:
        nonlocal own
        instrumentation = _for_all
        if tracer_provider is not None or instrumentation is None:
            own = own or _Instrumentation(tracer_provider)
            instrumentation = own
        return await instrumentation.handle(request, handler, True)

    # How aiohttp knows one.
    _middleware.__middleware_version__ = 1  # type: ignore[attr-defined]
    return _middleware


middleware = create_aiohttp_middleware()


def create_instrumented_application(tracer_provider: Any = None) -> Any:
    """A class of applications that have the middleware."""
    from aiohttp import web

    own = create_aiohttp_middleware(tracer_provider)

    class _InstrumentedApplication(web.Application):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs["middlewares"] = [own, *(kwargs.get("middlewares") or ())]
            super().__init__(*args, **kwargs)

    return _InstrumentedApplication


@official("opentelemetry.instrumentation.aiohttp_server")
class AioHttpServerInstrumentor(Instrumentor):
    """Instruments the servers of aiohttp.

    `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given.

    `OTEL_PYTHON_AIOHTTP_SERVER_EXCLUDED_URLS` says of which paths nothing is recorded.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        global _for_all
        _for_all = _Instrumentation(kwargs.get("tracer_provider"), kwargs.get("meter_provider"))
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        global _for_all
        _for_all = None
        _patches.switch_off()


def __getattr__(name: str) -> Any:
    """What the official module has as variables since `instrument`."""
    instruments = None if _for_all is None else _for_all.instruments
    values: dict[str, Any] = {
        "tracer": "tracer",
        "meter_old": "meter_old",
        "meter_new": "meter_new",
        "duration_histogram_old": "duration_old",
        "duration_histogram_new": "duration_new",
        "active_requests_counter": "active_requests",
    }
    if name == "_excluded_urls":
        return None if _for_all is None else _for_all.excluded
    if name == "_sem_conv_opt_in_mode":
        return http_conventions().mode
    if name not in values:
        raise AttributeError(name)
    return getattr(instruments, values[name], None)
