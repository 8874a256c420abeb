"""What our instrumentations of servers do otherwise than contrib's, on purpose: programs observe
it, and rows of differences.py say how it differs."""

import asyncio
import io
import time
from typing import Any

from declare import Run, program
from programs.asgi_servers import call
from programs.memory import Memory


def get(application: Any, path: str, **options: Any) -> Any:
    from werkzeug.test import Client

    return Client(application).get(path, errors_stream=io.StringIO(), **options)


@program()
def a_wsgi_body(run: Run) -> None:
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

    memory = Memory()
    closed = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK" if environ["PATH_INFO"] == "/" else "204", [])
        if environ["PATH_INFO"] == "/closed":
            return Body([b"never read"])
        return (part for part in [b".", time.sleep(0.06) or b"."])

    def stream(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        yield b"."
        time.sleep(0.06)
        yield b"."

    get(OpenTelemetryMiddleware(stream, **memory.providers), "/").get_data()
    run.observe("the duration lasts as long as the body", memory.duration() >= 50)
    seen = OpenTelemetryMiddleware(application, **memory.providers)
    try:
        get(seen, "/closed", buffered=False).close()
        run.observe("a status without a reason", "is answered")
    except ValueError as error:
        run.observe("a status without a reason", str(error))
    run.observe("a body that is not read is closed", closed)


@program(log_level="CRITICAL")
def flask_answers(run: Run) -> None:
    import flask
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    memory = Memory()
    app = flask.Flask("streams")

    @app.get("/stream")
    def stream() -> Any:
        def parts() -> Any:
            for number in range(2):
                with memory.span(f"part {number}"):
                    yield "."

        return flask.Response(parts())

    @app.get("/broken")
    def broken() -> Any:
        raise ValueError("broken")

    @app.get("/health")
    def health() -> Any:
        with memory.span("child of an excluded request"):
            return "ok"

    FlaskInstrumentor.instrument_app(app, excluded_urls="health", **memory.providers)
    get(app, "/stream").get_data()
    run.observe("a part of a stream is in its request", memory.is_in("part 1", "GET /stream"))
    get(app, "/health")
    excluded = "child of an excluded request" in memory.names()
    run.observe("what an excluded request does is recorded", excluded)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    try:
        get(app, "/broken")
    except ValueError:
        pass
    run.observe(
        "requests that are measured",
        sum(point.count for point in memory.points("http.server.duration")),
    )


@program(log_level="CRITICAL")
def flask_switched_on_late(run: Run) -> None:
    from flask import Flask
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    memory = Memory()
    built = Flask("built before")
    FlaskInstrumentor().instrument(**memory.providers)
    get(Flask("imported before"), "/imported")
    run.observe("a class that was imported before", memory.names())
    get(built, "/built")
    run.observe("an application that was made before", memory.names())
    FlaskInstrumentor().uninstrument()


@program(log_level="CRITICAL")
def hooks_that_raise(run: Run) -> None:
    from flask import Flask
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

    def raising(*arguments: Any) -> None:
        raise RuntimeError("a hook of the program")

    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return [b"ok"]

    memory = Memory()
    app = Flask("hooks")
    app.add_url_rule("/", view_func=lambda: "ok")
    FlaskInstrumentor.instrument_app(app, request_hook=raising, **memory.providers)
    run.observe("Flask answers", get(app, "/").status_code)
    seen = OpenTelemetryMiddleware(application, raising, **memory.providers)
    run.attempt("WSGI answers", lambda: get(seen, "/").status_code)


@program(log_level="CRITICAL")
def asgi_answers(run: Run) -> None:
    from fastapi import FastAPI
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    memory = Memory()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"4")] if scope["path"] == "/known" else []
        if scope["path"] == "/waiting":
            while True:
                await receive()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"body"})
        if scope["path"] == "/background":
            await asyncio.sleep(0.06)

    app = FastAPI()
    app.add_api_route("/late", lambda: None)

    async def main() -> None:
        seen = OpenTelemetryMiddleware(application, **memory.providers)
        await call(seen, "GET", "/known", {})
        await call(seen, "GET", "/unknown", {})
        sizes = [(point.count, point.sum) for point in memory.points("http.server.response.size")]
        run.observe("sizes of answers", sizes)
        waiting = asyncio.ensure_future(call(seen, "GET", "/waiting", {}))
        await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        run.observe("errors of a client that is gone", memory.errors())
        await call(app, "GET", "/late", {})
        FastAPIInstrumentor.instrument_app(app, exclude_spans=["send"], **memory.providers)
        await call(app, "GET", "/late", {})
        run.observe("an application that has answered already", "GET /late" in memory.names())

    asyncio.run(main())
    behind = Memory()
    seen = OpenTelemetryMiddleware(application, **behind.providers)
    asyncio.run(call(seen, "GET", "/background", {}))
    run.observe("the duration has what follows the answer", behind.duration() >= 50)


@program(log_level="CRITICAL")
def starlettes_own_middleware(run: Run) -> None:
    from opentelemetry.instrumentation.starlette import StarletteInstrumentor
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.opentelemetry import OpenTelemetryMiddleware

    memory = Memory()
    own = Middleware(OpenTelemetryMiddleware, tracer_provider=memory.tracer_provider)
    app = Starlette(middleware=[own])
    StarletteInstrumentor.instrument_app(app, **memory.providers)
    asyncio.run(call(app, "GET", "/nowhere", {}))
    run.observe("server spans", memory.kinds().count("SERVER"))


@program(log_level="CRITICAL")
def django_answers(run: Run) -> None:
    import sys
    from types import ModuleType

    import django
    from asgiref.sync import SyncToAsync
    from django.conf import settings
    from django.http import HttpResponse, StreamingHttpResponse
    from django.urls import path
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    memory = Memory()
    in_threads = []
    call_in_thread = SyncToAsync.__call__

    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        in_threads.append(self.func)
        return call_in_thread(self, *arguments, **options)

    async def asynchronous(request: Any) -> Any:
        return HttpResponse()

    def stream(request: Any) -> Any:
        def parts() -> Any:
            with memory.span("part"):
                yield b"."

        return StreamingHttpResponse(parts())

    def failing(get_response: Any) -> Any:
        def middleware(request: Any) -> Any:
            if request.path == "/failing":
                raise ValueError("a middleware")
            return get_response(request)

        return middleware

    urls = ModuleType("deliberate_urls")
    urls.failing = failing  # type: ignore[attr-defined]
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("asynchronous", asynchronous),
        path("stream", stream),
    ]
    sys.modules["deliberate_urls"] = urls
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="deliberate_urls",
        SECRET_KEY="not secret",
        MIDDLEWARE=[],
        LOGGING_CONFIG=None,
    )
    django.setup()
    from django.test import AsyncClient, Client

    present = Client()
    present.get("/nowhere")
    SyncToAsync.__call__ = counted
    asyncio.run(AsyncClient().get("/asynchronous"))
    without = len(in_threads)
    DjangoInstrumentor().instrument(**memory.providers)
    present.get("/stream").getvalue()
    run.observe("a handler that was made before", "GET stream" in memory.names())
    Client().get("/stream").getvalue()
    run.observe("a part of a stream is in its request", memory.is_in("part", "GET stream"))
    asyncio.run(AsyncClient().get("/asynchronous"))
    run.observe("parts of a request that run in threads", len(in_threads) - 2 * without)
    settings.MIDDLEWARE.append("deliberate_urls.failing")
    Client(raise_request_exception=False).get("/failing")
    run.observe("events of what a middleware raises", len(memory.last().events))
    DjangoInstrumentor().uninstrument()


@program(log_level="CRITICAL")
def aiohttp_applications(run: Run) -> None:
    from aiohttp import ClientSession, web
    from opentelemetry import trace
    from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor

    memory = Memory()

    def make() -> Any:
        async def item(request: Any) -> Any:
            return web.Response()

        async def stream(request: Any) -> Any:
            async def parts() -> Any:
                with memory.span("part"):
                    await asyncio.sleep(0)
                    yield b"."

            return web.Response(body=parts())

        application, inner = web.Application(), web.Application()
        application.router.add_get("/item", item)
        application.router.add_get("/stream", stream)
        inner.router.add_get("/item", item)
        application.add_subapp("/inner", inner)
        return application

    async def visit(application: Any, path: str, **headers: str) -> int:
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
        async with ClientSession() as session, session.get(url, headers=headers) as response:
            await response.read()
            status = response.status
        await runner.cleanup()
        return status

    trace.set_tracer_provider(memory.tracer_provider)
    built = make()
    AioHttpServerInstrumentor().instrument()
    asyncio.run(visit(built, "/item"))
    run.observe("an application that was made before", len(memory.names()))
    before = len(memory.names())
    asyncio.run(visit(make(), "/inner/item"))
    run.observe("spans of a sub-application's request", len(memory.names()) - before)
    asyncio.run(visit(make(), "/stream"))
    run.observe("a part of a stream is in its request", memory.is_in("part", "GET /stream"))
    status = asyncio.run(visit(make(), "/item", Host="[::none"))
    run.observe("a host that is none", status)
    run.attempt("a tuple of middlewares", lambda: type(web.Application(middlewares=())) and "taken")
    AioHttpServerInstrumentor().uninstrument()
