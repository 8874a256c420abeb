"""FastAPIInstrumentor: traces and metrics of FastAPI applications, those that exist already too.

Official name: `opentelemetry.instrumentation.fastapi`.

Later versions of FastAPI make spans of their own. They leave that where they find our middleware in
an application's stack.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from logging import getLogger
from types import ModuleType
from typing import Any

from opentelemetry.context import get_value
from opentelemetry.metrics import get_meter
from opentelemetry.trace import get_tracer

from oxitel.official_name import official
from oxitel.variables import http as variables
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .asgi import (
    ClientRequestHook,
    ClientResponseHook,
    Scope,
    ServerRequestHook,
)
from .conventions import http_conventions
from .http.excluded_urls import excluded_by
from .http.values import sanitize_method
from .instrumentor import Instrumentor
from .patching import Patches
from .starlette_apps import Applications, Build, FrameworkMiddleware, is_copy

_NAME = "opentelemetry.instrumentation.fastapi"
_logger = getLogger(_NAME)
_FLAG = "_is_instrumented_by_opentelemetry"

_instruments = ("fastapi ~= 0.92",)
_supports_metrics = True
_semconv_status = "migration"

_TRACER_KEY = "oxitel.fastapi.tracer"


class _Middleware(FrameworkMiddleware):
    # For background tasks of the request.
    _tracer_key = _TRACER_KEY


_Middleware.__module__ = FrameworkMiddleware.__module__
_Middleware.__name__ = FrameworkMiddleware.__name__


def _build(
    server_request_hook: ServerRequestHook = None,
    client_request_hook: ClientRequestHook = None,
    client_response_hook: ClientResponseHook = None,
    tracer_provider: Any = None,
    meter_provider: Any = None,
    excluded_urls: str | None = None,
    http_capture_headers_server_request: list[str] | None = None,
    http_capture_headers_server_response: list[str] | None = None,
    http_capture_headers_sanitize_fields: list[str] | None = None,
    exclude_spans: Iterable[str] | None = None,
) -> Build:
    schema_url = http_conventions().schema_url
    tracer = get_tracer(_NAME, OFFICIAL_CONTRIB_VERSION, tracer_provider, schema_url=schema_url)
    meter = get_meter(_NAME, OFFICIAL_CONTRIB_VERSION, meter_provider, schema_url=schema_url)
    excluded = excluded_by(excluded_urls, "FASTAPI")
    if exclude_spans is None:
        exclude_spans = variables.FASTAPI_EXCLUDE_SPANS.read() or None
    return lambda app: _Middleware(
        app,
        excluded_urls=excluded,
        default_span_details=_get_default_span_details,
        server_request_hook=server_request_hook,
        client_request_hook=client_request_hook,
        client_response_hook=client_response_hook,
        tracer=tracer,
        meter=meter,
        http_capture_headers_server_request=http_capture_headers_server_request,
        http_capture_headers_server_response=http_capture_headers_server_response,
        http_capture_headers_sanitize_fields=http_capture_headers_sanitize_fields,
        exclude_spans=exclude_spans,
    )


applications = Applications()


def _patch(module: ModuleType) -> None:
    applications.patch(_patches, module.FastAPI)


def _patch_background(module: ModuleType) -> None:
    def call(original: Any) -> Any:
        async def __call__(self: Any) -> None:
            tracer: Any = get_value(_TRACER_KEY)
            if tracer is None:
                return await original(self)
            name = getattr(self.func, "__name__", type(self.func).__name__)
            with tracer.start_as_current_span(f"BackgroundTask {name}"):
                return await original(self)

        return __call__

    _patches.wrap(module.BackgroundTask, "__call__", call)


_patches = Patches({"fastapi.applications": _patch, "starlette.background": _patch_background})


@official("opentelemetry.instrumentation.fastapi")
class FastAPIInstrumentor(Instrumentor):
    """Instruments FastAPI.

    `instrument` takes these keyword arguments:

    - `server_request_hook(span, scope)`, `client_request_hook(span, scope, message)` and
      `client_response_hook(span, scope, message)`, as the ASGI middleware has them;
    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `excluded_urls`: regular expressions with commas between them, found in URLs of which nothing
      is recorded; `OTEL_PYTHON_FASTAPI_EXCLUDED_URLS` if not given;
    - `http_capture_headers_server_request`, `…_server_response`, `…_sanitize_fields`: patterns, in
      place of the variables of these names;
    - `exclude_spans`: which inner spans to leave out, `receive` or `send`.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        build = _build(**kwargs)
        _patches.switch_on()
        module = sys.modules.get("fastapi.applications")
        applications.instrument_all(build, getattr(module, "FastAPI", None))

    def _uninstrument(self, **kwargs: Any) -> None:
        applications.uninstrument_all()
        _patches.switch_off()

    @staticmethod
    def instrument_app(
        app: Any,
        server_request_hook: ServerRequestHook = None,
        client_request_hook: ClientRequestHook = None,
        client_response_hook: ClientResponseHook = None,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        excluded_urls: str | None = None,
        http_capture_headers_server_request: list[str] | None = None,
        http_capture_headers_server_response: list[str] | None = None,
        http_capture_headers_sanitize_fields: list[str] | None = None,
        exclude_spans: Iterable[str] | None = None,
    ) -> None:
        """Instrument one application; the arguments are those of `instrument`."""
        if getattr(app, _FLAG, False) and not is_copy(app):
            _logger.warning("Attempting to instrument FastAPI app while already instrumented")
            return
        _patches.switch_on()
        build = _build(
            server_request_hook,
            client_request_hook,
            client_response_hook,
            tracer_provider,
            meter_provider,
            excluded_urls,
            http_capture_headers_server_request,
            http_capture_headers_server_response,
            http_capture_headers_sanitize_fields,
            exclude_spans,
        )
        applications.instrument(app, build)

    @staticmethod
    def uninstrument_app(app: Any) -> None:
        applications.uninstrument(app)
        if not applications:
            _patches.switch_off()


def _flatten_routes(routes: Sequence[Any]) -> Iterator[Any]:
    """The routes that can be matched, of routers in routers too."""
    try:
        from fastapi.routing import iter_route_contexts
    except ImportError:
        for route in routes:
            if hasattr(route, "effective_route_contexts"):
                yield from route.effective_route_contexts()
            else:
                yield route
    else:
        yield from iter_route_contexts(routes)


def _get_route_details(scope: Scope) -> str | None:
    """The route that will match, looked for in the application's list."""
    from starlette.routing import Match, Route

    route = None
    for candidate in _flatten_routes(scope["app"].routes):
        if isinstance(candidate, Route):
            match, _ = Route.matches(candidate, scope)
        else:
            match, _ = candidate.matches(scope)
        if match == Match.FULL:
            return getattr(candidate, "path", scope.get("path"))
        if match == Match.PARTIAL:
            route = candidate.path
    return route


def _get_default_span_details(scope: Scope) -> tuple[str, dict[str, Any]]:
    """Name and attributes by the route that will match."""
    route = _get_route_details(scope)
    method = sanitize_method(scope.get("method", "").strip())
    if method == "_OTHER":
        method = "HTTP"
    if not route:
        return method, {}
    return f"{method} {route}" if method else route, {"http.route": route}
