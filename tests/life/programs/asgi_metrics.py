"""An ASGI application of a few lines that counts its requests."""

import os

from metering import start

meter = start(interval_millis=200).get_meter("web")
requests = meter.create_counter("requests")
duration = meter.create_histogram("duration", unit="s")


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    requests.add(1, {"pid": os.getpid()})
    duration.record(0.001, {"pid": os.getpid()})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
