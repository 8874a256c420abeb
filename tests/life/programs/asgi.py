"""An ASGI application of a few lines; each request makes a span with another inside it."""

import asyncio
import os

import tracing

tracing.start(schedule_delay_millis=100)


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    with tracing.span("request", pid=os.getpid()):
        await asyncio.sleep(0.001)
        with tracing.span("inside"):
            body = str(os.getpid()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
