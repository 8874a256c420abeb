"""The instrumentations of ASGI, Starlette, FastAPI and Django (ASGI): applications called as by a
server."""

import asyncio
from contextlib import nullcontext
from typing import Any

from declare import Run, program
from programs.signals import HEADERS, Signals


async def call(application: Any, method: str, target: str, headers: dict[str, str]) -> list[Any]:
    """One request, without a server or a client that has an opinion of its own."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"shop:8080"), (b"content-length", b"2")]
        + [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("10.0.0.1", 4711),
        "server": ("127.0.0.1", 80),
    }
    messages: list[Any] = [{"type": "http.request", "body": b"{}", "more_body": False}]
    answers: list[Any] = []
    answered = asyncio.Event()

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answers.append([message["type"], message.get("status"), message.get("body")])
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    try:
        await application(scope, receive, send)
    except ValueError as error:
        answers.append(str(error))
    return answers


BROKEN = ("GET", "/broken")


def visit(run: Run, application: Any, *more: tuple[str, str]) -> None:
    requests = [
        ("GET", "/orders/5?q=1&r=a%20b"),
        ("GET", "/nowhere"),
        ("GET", "/moved"),
        ("GET", "/teapot"),
        ("POST", "/orders/6"),
        ("HEAD", "/orders/7"),
        ("BREW", "/orders/8"),
        ("GET", "/health"),
        ("GET", "/inner/orders/5"),
        *more,
    ]

    async def main() -> None:
        for method, target in requests:
            for headers in ({}, HEADERS):
                answers = await call(application, method, target, headers)
                run.observe(f"{method} {target}", answers)

    asyncio.run(main())


def on_request(span: Any, scope: Any) -> None:
    span.set_attribute("hook.path", scope["path"])


def on_message(span: Any, scope: Any, message: Any) -> None:
    span.set_attribute("hook.message", message["type"])


HOOKS = {
    "server_request_hook": on_request,
    "client_request_hook": on_message,
    "client_response_hook": on_message,
}


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    env={
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "x-answer",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": ".*secret",
    },
)
def asgi(run: Run) -> None:
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    signals = Signals(run)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        await receive()
        if path == "/broken":
            raise ValueError("broken view")
        status = {"/nowhere": 404, "/moved": 302, "/teapot": 503}.get(path, 200)
        headers = [(b"content-length", b"4"), (b"x-answer", b"yes"), (b"x-answer", b"no")]
        with nullcontext() if path == "/health" else signals.span("work"):
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b"ok", "more_body": True})
            await send({"type": "http.response.body", "body": b"ok"})

    seen = OpenTelemetryMiddleware(
        application, excluded_urls="health", **HOOKS, **signals.providers
    )
    visit(run, seen, BROKEN)
    with signals.span("outer"):
        visit(run, seen)
    visit(run, OpenTelemetryMiddleware(application, exclude_spans=["send"], **signals.providers))


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    env={"OTEL_PYTHON_STARLETTE_EXCLUDED_URLS": "health"},
    log_level="CRITICAL",
)
def starlette(run: Run) -> None:
    from opentelemetry.instrumentation.starlette import StarletteInstrumentor
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, RedirectResponse
    from starlette.routing import Route

    signals = Signals(run)

    async def order(request: Any) -> Any:
        await request.body()
        with signals.span("load order"):
            return JSONResponse({"id": request.path_params["id"]}, headers={"X-Answer": "yes"})

    async def moved(request: Any) -> Any:
        return RedirectResponse("/orders/1")

    async def teapot(request: Any) -> Any:
        return JSONResponse(None, status_code=503)

    async def health(request: Any) -> Any:
        return JSONResponse(None)

    application = Starlette(
        routes=[
            Route("/orders/{id}", order, methods=["GET", "POST"]),
            Route("/moved", moved),
            Route("/teapot", teapot),
            Route("/health", health),
        ]
    )
    StarletteInstrumentor.instrument_app(application, **HOOKS, **signals.providers)
    visit(run, application)
    StarletteInstrumentor.uninstrument_app(application)


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    env={
        "OTEL_PYTHON_FASTAPI_EXCLUDED_URLS": "health",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "x-answer",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": ".*secret",
    },
    log_level="CRITICAL",
)
def fastapi(run: Run) -> None:
    from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, Response
    from fastapi.responses import RedirectResponse
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    signals = Signals(run)
    application = FastAPI()

    @application.get("/orders/{number}")
    async def order(number: int, response: Response) -> Any:
        response.headers["X-Answer"] = "yes"
        with signals.span("load order"):
            return {"number": number}

    @application.post("/orders/{number}")
    async def create(number: int, body: dict[str, Any]) -> Any:
        return body

    @application.get("/broken")
    async def broken() -> Any:
        raise ValueError("broken view")

    @application.get("/moved")
    async def moved() -> Any:
        return RedirectResponse("/orders/1")

    @application.get("/teapot")
    async def teapot() -> Any:
        raise HTTPException(503)

    @application.get("/health")
    async def health() -> Any:
        return None

    async def later() -> None:
        pass

    @application.get("/background")
    async def background(tasks: BackgroundTasks) -> Any:
        tasks.add_task(later)

    inner = APIRouter()
    inner.add_api_route("/orders/{number}", order)
    application.include_router(inner, prefix="/inner")
    FastAPIInstrumentor.instrument_app(application, **HOOKS, **signals.providers)
    visit(run, application, BROKEN, ("GET", "/background"), ("GET", "/orders/no-number"))
    FastAPIInstrumentor.uninstrument_app(application)


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    env={
        "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": "health",
        "OTEL_PYTHON_DJANGO_TRACED_REQUEST_ATTRS": "path_info,content_type,x-one,nothing",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "x-answer",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": ".*secret",
    },
    log_level="CRITICAL",
)
def django(run: Run) -> None:
    from programs.django_site import configure

    signals = Signals(run)
    configure(signals)
    from django.core.asgi import get_asgi_application

    more = [
        ("GET", path) for path in ("/broken", "/inner/teapot", "/missing", "/", "/plain", "/early")
    ]
    visit(run, get_asgi_application(), *more)


async def talk(application: Any, path: str, headers: dict[str, str]) -> list[Any]:
    """A websocket: two messages to the application, which says how many come back."""
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"q=1",
        "root_path": "",
        "headers": [(b"host", b"shop:8080")]
        + [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("10.0.0.1", 4711),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
        "extensions": {},
    }
    messages: list[Any] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "one"},
        {"type": "websocket.receive", "text": "two"},
        {"type": "websocket.disconnect", "code": 1000},
    ]
    answers: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answers.append([message["type"], message.get("text")])

    try:
        await application(scope, receive, send)
    except ValueError as error:
        answers.append(str(error))
    return answers


def talk_to(run: Run, application: Any) -> None:
    async def main() -> None:
        for path in ("/socket/1", "/nowhere", "/broken"):
            for headers in ({}, HEADERS):
                run.observe(path, await talk(application, path, headers))

    asyncio.run(main())


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    env={
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "x-answer",
    },
    log_level="CRITICAL",
)
def websockets(run: Run) -> None:
    from fastapi import FastAPI, WebSocket, WebSocketDisconnect
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.instrumentation.starlette import StarletteInstrumentor
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute

    signals = Signals(run)

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept(headers=[(b"x-answer", b"yes")])
        try:
            while True:
                text = await websocket.receive_text()
                with signals.span("work"):
                    await websocket.send_text(text)
        except WebSocketDisconnect:
            pass

    async def broken(websocket: WebSocket) -> None:
        await websocket.accept()
        raise ValueError("broken view")

    async def bare(scope: Any, receive: Any, send: Any) -> None:
        websocket = WebSocket(scope, receive, send)
        await (broken if scope["path"] == "/broken" else socket)(websocket)

    talk_to(run, OpenTelemetryMiddleware(bare, **HOOKS, **signals.providers))
    starlette = Starlette(
        routes=[WebSocketRoute("/socket/{number}", socket), WebSocketRoute("/broken", broken)]
    )
    StarletteInstrumentor.instrument_app(starlette, **HOOKS, **signals.providers)
    talk_to(run, starlette)
    fastapi = FastAPI()
    fastapi.add_api_websocket_route("/socket/{number}", socket)
    fastapi.add_api_websocket_route("/broken", broken)
    FastAPIInstrumentor.instrument_app(fastapi, **HOOKS, **signals.providers)
    talk_to(run, fastapi)
