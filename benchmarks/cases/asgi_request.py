"""A request to an ASGI application in OpenTelemetryMiddleware, four spans, over it alone."""

import asyncio
from typing import Any

from web import Both, measure, serve_asgi

providers = Both()

from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware  # noqa: E402


async def plain(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await receive()
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


instrumented = OpenTelemetryMiddleware(plain)
with asyncio.Runner() as runner:
    measure(
        providers,
        lambda count: runner.run(serve_asgi(instrumented, count, "/orders/")),
        lambda count: runner.run(serve_asgi(plain, count, "/orders/")),
        spans=4,
        counted=2,
        series=3,
        exemplars=None,
    )
