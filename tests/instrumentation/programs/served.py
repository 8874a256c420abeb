"""Applications of several frameworks with the same pages, instrumented; `/spans` says what has been
recorded in this process."""

import asyncio
import json
import os
import sys
import time
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("served")
OPTIONS = {"tracer_provider": provider, "excluded_urls": "spans"}


def spans():
    return json.dumps(
        [
            {
                "name": span.name,
                "id": span.context.span_id,
                "parent": span.parent and span.parent.span_id,
                "kind": span.kind.name,
                # A server that tells no target tells a URL.
                "target": span.attributes.get("http.target")
                or urlsplit(span.attributes.get("http.url", "")).path,
                "status": span.attributes.get("http.status_code"),
                "nanos": span.end_time - span.start_time,
            }
            for span in exporter.get_finished_spans()
        ]
    )


def work(number):
    with tracer.start_as_current_span(f"work {number}"):
        time.sleep(0.001)


def parts():
    for number in range(3):
        with tracer.start_as_current_span(f"part {number}"):
            time.sleep(0.02)
        yield b"." * 100


async def parts_async():
    for number in range(3):
        with tracer.start_as_current_span(f"part {number}"):
            await asyncio.sleep(0.02)
        yield b"." * 100


def make_flask():
    import flask

    from oxitel.instrumentation.flask import FlaskInstrumentor

    app = flask.Flask("served")
    FlaskInstrumentor().instrument(**OPTIONS)

    @app.route("/item/<int:number>", methods=["GET", "POST"])
    def item(number):
        work(number)
        return str(len(flask.request.get_data()))

    app.add_url_rule("/stream", view_func=lambda: flask.Response(parts()), endpoint="stream")
    app.add_url_rule("/spans", view_func=spans)
    app.add_url_rule("/unchanged", view_func=lambda: ("", 304), endpoint="unchanged")

    @app.get("/broken")
    def broken():
        raise ValueError("broken")

    return app


def make_django():
    import django
    from django.conf import settings
    from django.http import HttpResponse, StreamingHttpResponse
    from django.urls import path

    from oxitel.instrumentation.django import DjangoInstrumentor

    DjangoInstrumentor().instrument(**OPTIONS)
    is_async = os.environ["SERVED"] == "django_async"

    def item(request, number):
        work(number)
        return HttpResponse(str(len(request.body)))

    async def item_async(request, number):
        with tracer.start_as_current_span(f"work {number}"):
            await asyncio.sleep(0.001)
        return HttpResponse(str(len(request.body)))

    def stream(request):
        return StreamingHttpResponse(parts_async() if is_async else parts())

    def broken(request):
        raise ValueError("broken")

    sys.modules[__name__].urlpatterns = [
        path("item/<int:number>", item_async if is_async else item),
        path("stream", stream),
        path("spans", lambda request: HttpResponse(spans())),
        path("unchanged", lambda request: HttpResponse(status=304)),
        path("broken", broken),
    ]
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="not secret",
        MIDDLEWARE=[],
        DATABASES={},
        DEBUG=True,
    )
    django.setup()
    if is_async:
        from django.core.asgi import get_asgi_application

        return get_asgi_application()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def make_fastapi():
    from fastapi import FastAPI, Request, Response
    from fastapi.responses import StreamingResponse

    from oxitel.instrumentation.fastapi import FastAPIInstrumentor

    app = FastAPI()
    FastAPIInstrumentor().instrument(exclude_spans=["receive", "send"], **OPTIONS)

    async def item(number: int, request: Request):
        with tracer.start_as_current_span(f"work {number}"):
            await asyncio.sleep(0.001)
        return len(await request.body())

    app.add_api_route("/item/{number}", item, methods=["GET", "POST", "HEAD"])
    app.add_api_route("/stream", lambda: StreamingResponse(parts_async()))
    app.add_api_route("/spans", lambda: Response(spans()))
    app.add_api_route("/unchanged", lambda: Response(status_code=304))

    @app.get("/broken")
    async def broken():
        raise ValueError("broken")

    return app


def make_aiohttp():
    from aiohttp import web

    from oxitel.instrumentation.aiohttp_server import AioHttpServerInstrumentor

    app = web.Application()
    os.environ["OTEL_PYTHON_AIOHTTP_SERVER_EXCLUDED_URLS"] = "spans"
    AioHttpServerInstrumentor().instrument(tracer_provider=provider)

    async def item(request):
        with tracer.start_as_current_span(f"work {request.match_info['number']}"):
            await asyncio.sleep(0.001)
        return web.Response(text=str(len(await request.read())))

    async def stream(request):
        return web.Response(body=parts_async())

    async def seen(request):
        return web.Response(text=spans())

    async def unchanged(request):
        return web.Response(status=304)

    async def broken(request):
        raise ValueError("broken")

    app.router.add_route("*", "/item/{number}", item)
    for function, name in ((stream, "stream"), (seen, "spans"), (unchanged, "unchanged")):
        app.router.add_get(f"/{name}", function)
    app.router.add_get("/broken", broken)
    return app


MAKERS = {
    "flask": make_flask,
    "django": make_django,
    "django_async": make_django,
    "fastapi": make_fastapi,
    "aiohttp": make_aiohttp,
}
application = MAKERS[os.environ["SERVED"]]()

if __name__ == "__main__":
    port = sys.argv[1]
    if os.environ["SERVED"] == "aiohttp":
        from aiohttp import web

        web.run_app(application, host="127.0.0.1", port=int(port), print=None)
    else:
        from django.core.management import execute_from_command_line

        sys.modules["served"] = sys.modules["__main__"]
        execute_from_command_line(["served", "runserver", "--noreload", f"127.0.0.1:{port}"])
