"""A FastAPI request, with the same four spans on both sides, over an application without them."""

import asyncio

from web import Both, measure, serve_asgi

providers = Both()

from fastapi import FastAPI  # noqa: E402
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: E402


def make_app() -> FastAPI:
    # Not what FastAPI records by itself.
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/orders/{number}")
    async def order(number: int) -> dict[str, int]:
        return {"order": number}

    return app


instrumented, plain = make_app(), make_app()
FastAPIInstrumentor.instrument_app(instrumented)
with asyncio.Runner() as runner:
    measure(
        providers,
        lambda count: runner.run(serve_asgi(instrumented, count, "/orders/")),
        lambda count: runner.run(serve_asgi(plain, count, "/orders/")),
        spans=3,
        counted=2,
        series=3,
        exemplars=None,
    )
