"""The instrumentation of aiohttp's server: its applications behind a real one."""

import asyncio
from typing import Any

from declare import Run, program
from programs.signals import HEADERS, Signals


async def exchange(port: int, method: str, target: str, headers: dict[str, str]) -> str:
    """One request over a connection of its own; the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{method} {target} HTTP/1.1", f"Host: shop:{port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n")[0].decode()


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    env={
        "OTEL_PYTHON_AIOHTTP_SERVER_EXCLUDED_URLS": "health",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "x-answer",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": ".*secret",
    },
    log_level="CRITICAL",
)
def aiohttp(run: Run) -> None:
    from opentelemetry import metrics, trace
    from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor

    signals = Signals(run)
    trace.set_tracer_provider(signals.tracer_provider)
    metrics.set_meter_provider(signals.meter_provider)
    AioHttpServerInstrumentor().instrument()
    # Instrumented applications are officially another class from now on.
    from aiohttp import web

    async def order(request: Any) -> Any:
        with signals.span("load order"):
            number = request.match_info["number"]
            return web.json_response({"number": number}, headers={"X-Answer": "yes"})

    async def broken(request: Any) -> Any:
        raise ValueError("broken view")

    async def moved(request: Any) -> Any:
        raise web.HTTPFound("/orders/1")

    async def teapot(request: Any) -> Any:
        raise web.HTTPServiceUnavailable

    async def health(request: Any) -> Any:
        return web.Response()

    async def main() -> None:
        application = web.Application()
        application.router.add_route("*", "/orders/{number:\\d+}", order)
        for handler in (broken, moved, teapot, health):
            application.router.add_get(f"/{handler.__name__}", handler)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        run.hide(port, "<port>")
        for method, target in (
            ("GET", "/orders/5?q=1&r=a%20b&sig=secret"),
            ("GET", "/orders/no-number"),
            ("GET", "/nowhere"),
            ("GET", "/broken"),
            ("POST", "/broken"),
            ("GET", "/moved"),
            ("GET", "/teapot"),
            ("POST", "/orders/6"),
            ("HEAD", "/orders/7"),
            ("BREW", "/orders/8"),
            ("GET", "/health"),
        ):
            for headers in ({}, HEADERS):
                answer = await exchange(port, method, target, headers)
                run.observe(f"{method} {target}", answer)
        await runner.cleanup()

    asyncio.run(main())
    AioHttpServerInstrumentor().uninstrument()
