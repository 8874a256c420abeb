"""StarletteInstrumentor: traces and metrics of Starlette applications, existing ones too.

Official name: `opentelemetry.instrumentation.starlette`.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from types import ModuleType
from typing import Any

from opentelemetry.metrics import get_meter
from opentelemetry.trace import get_tracer

from oxitel.official_name import official
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .asgi import ClientRequestHook, ClientResponseHook, Scope, ServerRequestHook
from .http.excluded_urls import excluded_by
from .instrumentor import Instrumentor
from .patching import Patches
from .starlette_apps import Applications, Build, FrameworkMiddleware, is_copy

_NAME = "opentelemetry.instrumentation.starlette"
# Whatever the conventions, officially.
_SCHEMA_URL = "https://opentelemetry.io/schemas/1.11.0"
_FLAG = "_is_instrumented_by_opentelemetry"

_instruments = ("starlette >= 0.13",)
_supports_metrics = True


class _Middleware(FrameworkMiddleware):
    _normalises_methods = False


_Middleware.__module__ = FrameworkMiddleware.__module__
_Middleware.__name__ = FrameworkMiddleware.__name__


def _build(
    server_request_hook: ServerRequestHook,
    client_request_hook: ClientRequestHook,
    client_response_hook: ClientResponseHook,
    tracer_provider: Any,
    meter_provider: Any,
) -> Build:
    tracer = get_tracer(_NAME, OFFICIAL_CONTRIB_VERSION, tracer_provider, schema_url=_SCHEMA_URL)
    meter = get_meter(_NAME, OFFICIAL_CONTRIB_VERSION, meter_provider, schema_url=_SCHEMA_URL)
    excluded = excluded_by(None, "STARLETTE")
    return lambda app: _Middleware(
        app,
        excluded_urls=excluded,
        default_span_details=_get_default_span_details,
        server_request_hook=server_request_hook,
        client_request_hook=client_request_hook,
        client_response_hook=client_response_hook,
        tracer=tracer,
        meter=meter,
    )


def _is_starlette(app: Any) -> bool:
    """Not an application of FastAPI, which has an instrumentor of its own."""
    fastapi = sys.modules.get("fastapi")
    return fastapi is None or not isinstance(app, fastapi.FastAPI)


applications = Applications(_is_starlette)


def _patch(module: ModuleType) -> None:
    applications.patch(_patches, module.Starlette)


_patches = Patches({"starlette.applications": _patch})


@official("opentelemetry.instrumentation.starlette")
class StarletteInstrumentor(Instrumentor):
    """Instruments Starlette.

    `instrument` takes these keyword arguments:

    - `server_request_hook(span, scope)`, `client_request_hook(span, scope, message)` and
      `client_response_hook(span, scope, message)`, as the ASGI middleware has them;
    - `tracer_provider`, `meter_provider`: the global ones if not given.

    `OTEL_PYTHON_STARLETTE_EXCLUDED_URLS` says of which URLs nothing is recorded.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        build = _build(
            kwargs.get("server_request_hook"),
            kwargs.get("client_request_hook"),
            kwargs.get("client_response_hook"),
            kwargs.get("tracer_provider"),
            kwargs.get("meter_provider"),
        )
        _patches.switch_on()
        module = sys.modules.get("starlette.applications")
        applications.instrument_all(build, getattr(module, "Starlette", None))

    def _uninstrument(self, **kwargs: Any) -> None:
        applications.uninstrument_all()
        _patches.switch_off()

    @staticmethod
    def instrument_app(
        app: Any,
        server_request_hook: ServerRequestHook = None,
        client_request_hook: ClientRequestHook = None,
        client_response_hook: ClientResponseHook = None,
        meter_provider: Any = None,
        tracer_provider: Any = None,
    ) -> None:
        """Instrument one application; the arguments are those of `instrument`."""
        if getattr(app, _FLAG, False) and not is_copy(app):
            return
        _patches.switch_on()
        build = _build(
            server_request_hook,
            client_request_hook,
            client_response_hook,
            tracer_provider,
            meter_provider,
        )
        applications.instrument(app, build)

    @staticmethod
    def uninstrument_app(app: Any) -> None:
        applications.uninstrument(app)
        if not applications:
            _patches.switch_off()


def _get_route_details(scope: Scope) -> str | None:
    """The route that will match, looked for in the application's list."""
    from starlette.routing import Match

    route = None
    for candidate in scope["app"].routes:
        match, _ = candidate.matches(scope)
        if match == Match.FULL:
            return getattr(candidate, "path", scope.get("path"))
        if match == Match.PARTIAL:
            route = candidate.path
    return route


def _get_default_span_details(scope: Scope) -> tuple[str, dict[str, Any]]:
    """Name and attributes by the route that will match."""
    route = _get_route_details(scope)
    method = scope.get("method", "")
    if not route:
        return method, {}
    return f"{method} {route}" if method else route, {"http.route": route}
