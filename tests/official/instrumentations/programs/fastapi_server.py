"""opentelemetry-instrumentation-fastapi: its test client and uvicorn."""

import asyncio
import threading
import time
from typing import Any

from declare import Run, program
from programs.both_sides import Sides


def make_app(run: Run, provider: Any, **options: Any) -> Any:
    from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, WebSocket
    from fastapi.responses import StreamingResponse
    from opentelemetry import trace
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    app = FastAPI()
    tracer = provider.get_tracer("shop", "1.0")

    async def session() -> Any:
        with tracer.start_as_current_span("session"):
            yield "session"

    @app.get("/orders/{number}")
    async def order(number: int, given: str = Depends(session)) -> dict[str, Any]:
        trace.get_current_span().set_attribute("order.number", number)
        with tracer.start_as_current_span("load order"):
            await asyncio.sleep(0)
        return {"number": number}

    @app.get("/plain/{number}")
    def plain(number: int) -> dict[str, int]:
        with tracer.start_as_current_span("in the thread pool"):
            return {"number": number}

    @app.post("/orders", status_code=201)
    async def create(tasks: BackgroundTasks) -> dict[str, str]:
        def later() -> None:
            tracer.start_span("in the background").end()

        tasks.add_task(later)
        return {"created": "yes"}

    @app.get("/forbidden")
    async def forbidden() -> None:
        raise HTTPException(403, "no")

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("broken view")

    @app.get("/stream")
    async def stream() -> Any:
        async def parts() -> Any:
            yield "a"
            yield "b"

        return StreamingResponse(parts())

    @app.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, **options)
    return app


PATHS = ("/orders/5", "/plain/6", "/orders/text", "/nowhere", "/forbidden", "/stream", "/broken")


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    log_level="CRITICAL",
)
def test_client(run: Run) -> None:
    from fastapi.testclient import TestClient

    run.measured("*duration*")
    app = make_app(run, run.provider(), meter_provider=run.meter_provider())
    with TestClient(app, raise_server_exceptions=False) as client:
        for path in PATHS:
            run.observe(path, client.get(path).status_code)
        run.observe("post", client.post("/orders").status_code)
        headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        run.observe("remote", client.get("/orders/7", headers=headers).status_code)
        with client.websocket_connect("/socket") as socket:
            socket.send_text("hello")
            run.observe("socket", socket.receive_text())


@program(log_level="CRITICAL")
def without_the_inner_spans(run: Run) -> None:
    from fastapi.testclient import TestClient

    app = make_app(run, run.provider(), exclude_spans=["send", "receive"], excluded_urls="plain")
    with TestClient(app, raise_server_exceptions=False) as client:
        for path in PATHS:
            run.observe(path, client.get(path).status_code)


@program(log_level="CRITICAL")
def httpx_over_asgi(run: Run) -> None:
    import httpx
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    provider = run.provider()
    app = make_app(run, provider)
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)

    async def main() -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            for path in ("/orders/5", "/plain/6", "/broken"):
                run.observe(path, (await client.get(path)).status_code)
            answers = await asyncio.gather(*(client.get(f"/orders/{n}") for n in range(1)))
            run.observe("answers", [answer.status_code for answer in answers])

    asyncio.run(main())
    HTTPXClientInstrumentor().uninstrument()


@program(log_level="CRITICAL")
def uvicorn_called_by_httpx(run: Run) -> None:
    import httpx
    import uvicorn
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    sides = Sides(run)
    app = make_app(run, sides.server, exclude_spans=["send", "receive"])

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            run.hide(scope["client"][1], "<client port>")
        await app(scope, receive, send)

    config = uvicorn.Config(noting, port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    run.hide(port, "<port>")
    HTTPXClientInstrumentor().instrument(tracer_provider=sides.client)
    tracer = sides.client.get_tracer("caller")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        with tracer.start_as_current_span("caller"):
            for path, ended in (("/orders/5", 3), ("/plain/6", 5), ("/broken", 6)):
                run.observe(path, client.get(path).status_code)
                sides.settle(ended)
    HTTPXClientInstrumentor().uninstrument()
    server.should_exit = True
    thread.join(10)


@program(log_level="CRITICAL")
def many_requests_at_once(run: Run) -> None:
    import httpx

    provider = run.bare_provider()
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    app = make_app(run, provider, exclude_spans=["send", "receive"])

    async def main() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            await asyncio.gather(*(client.get(f"/orders/{number}") for number in range(50)))

    asyncio.run(main())
    spans = memory.get_finished_spans()
    by_id = {span.context.span_id: span for span in spans}
    names = sorted(
        (span.name, by_id[span.parent.span_id].name if span.parent else "") for span in spans
    )
    run.observe("names with their parents", [list(pair) for pair in names])
    run.observe("traces", len({span.context.trace_id for span in spans}))
