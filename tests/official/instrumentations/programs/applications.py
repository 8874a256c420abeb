"""opentelemetry-instrumentation-wsgi, -asgi, -starlette, -falcon and -pyramid: applications called
as a server calls them."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

from declare import Run, program
from programs.signals import Signals

HEADERS = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
PATHS = ("/orders/5?q=1", "/nowhere", "/broken")


def visit(run: Run, application: Any) -> None:
    """Calls a WSGI application as servers do."""
    from werkzeug.test import Client

    client = Client(application)
    for path in PATHS:
        try:
            answer = client.get(path, headers=HEADERS, errors_stream=io.StringIO())
            run.observe(path, answer.status_code)
        except ValueError as error:
            run.observe(path, str(error))


async def visit_asgi(run: Run, application: Any) -> None:
    import httpx

    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        for path in PATHS:
            answer = await client.get(path, headers=HEADERS)
            run.observe(path, [answer.status_code, answer.text])


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
    }
)
def wsgi(run: Run) -> None:
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

    signals = Signals(run)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        with signals.span("work"):
            if environ["PATH_INFO"] == "/broken":
                raise ValueError("broken view")
            missing = environ["PATH_INFO"] == "/nowhere"
            start_response("404 Not Found" if missing else "200 OK", [("Content-Length", "2")])
            return [b"ok"]

    visit(
        run,
        OpenTelemetryMiddleware(
            application,
            tracer_provider=signals.tracer_provider,
            meter_provider=signals.meter_provider,
        ),
    )


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
    }
)
def asgi(run: Run) -> None:
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    signals = Signals(run)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/broken":
            raise ValueError("broken view")
        status = 404 if scope["path"] == "/nowhere" else 200
        headers = [(b"content-length", b"2")]
        with signals.span("work"):
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b"ok"})

    application_seen = OpenTelemetryMiddleware(
        application,
        tracer_provider=signals.tracer_provider,
        meter_provider=signals.meter_provider,
    )
    asyncio.run(visit_asgi(run, application_seen))


@program()
def starlette(run: Run) -> None:
    from opentelemetry.instrumentation.starlette import StarletteInstrumentor
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Mount, Route

    signals = Signals(run)

    async def order(request: Any) -> Any:
        with signals.span("load order"):
            return JSONResponse({"id": request.path_params["id"]})

    async def broken(request: Any) -> Any:
        raise ValueError("broken view")

    inner = Mount("/inner", routes=[Route("/orders/{id}", order)])
    application = Starlette(routes=[Route("/orders/{id}", order), Route("/broken", broken), inner])
    StarletteInstrumentor.instrument_app(
        application,
        tracer_provider=signals.tracer_provider,
        meter_provider=signals.meter_provider,
    )
    asyncio.run(visit_asgi(run, application))
    StarletteInstrumentor.uninstrument_app(application)


@program(log_level="CRITICAL")
def falcon(run: Run) -> None:
    from opentelemetry.instrumentation.falcon import FalconInstrumentor

    signals = Signals(run)
    FalconInstrumentor().instrument(**signals.providers)
    # The application class is another one from now on.
    import falcon as library

    class Order:
        def on_get(self, request: Any, response: Any, number: str) -> None:
            with signals.span("load order"):
                response.media = {"id": number}

    class Broken:
        def on_get(self, request: Any, response: Any) -> None:
            raise ValueError("broken view")

    application = library.App()
    application.add_route("/orders/{number}", Order())
    application.add_route("/broken", Broken())
    visit(run, application)
    FalconInstrumentor().uninstrument()


@program()
def pyramid(run: Run) -> None:
    from opentelemetry import metrics, trace
    from opentelemetry.instrumentation.pyramid import PyramidInstrumentor

    signals = Signals(run)
    # This one knows only the global providers.
    trace.set_tracer_provider(signals.tracer_provider)
    metrics.set_meter_provider(signals.meter_provider)
    PyramidInstrumentor().instrument()
    from pyramid.config import Configurator
    from pyramid.response import Response

    def order(request: Any) -> Any:
        with signals.span("load order"):
            return Response(request.matchdict["id"])

    def broken(request: Any) -> Any:
        raise ValueError("broken view")

    configurator = Configurator()
    configurator.add_route("order", "/orders/{id}")
    configurator.add_view(order, route_name="order")
    configurator.add_route("broken", "/broken")
    configurator.add_view(broken, route_name="broken")
    visit(run, configurator.make_wsgi_app())
    PyramidInstrumentor().uninstrument()
