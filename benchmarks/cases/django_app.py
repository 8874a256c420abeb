"""A Django application, its requests, and the process in which the plain one of them runs.

An instrumentation of Django is one of the whole process: what a plain application costs is measured
in another, which imports no telemetry. It is this module as a program, with `wsgi` or `asgi` as its
argument.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import in_process


def configure(interface: str) -> None:
    """Settings, with one route."""
    import django
    from django.conf import settings
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    def order(request: HttpRequest, number: int) -> HttpResponse:
        return HttpResponse(b"{}")

    async def order_async(request: HttpRequest, number: int) -> HttpResponse:
        return HttpResponse(b"{}")

    view = order_async if interface == "asgi" else order

    class Urls:
        urlpatterns = (path("orders/<int:number>", view),)

    settings.configure(ROOT_URLCONF=Urls, ALLOWED_HOSTS=["*"], MIDDLEWARE=[])
    django.setup()


def serving(interface: str) -> Callable[[int], None]:
    """Makes the application, and gives the loop of its requests."""
    if interface == "wsgi":
        from django.core.handlers.wsgi import WSGIHandler

        application: Any = WSGIHandler()
        return lambda count: in_process.serve_wsgi(application, count, "/orders/")
    from django.core.handlers.asgi import ASGIHandler

    application = ASGIHandler()
    runner = asyncio.Runner()
    return lambda count: runner.run(_serve_asgi(application, count))


async def _serve_asgi(application: Any, count: int) -> None:
    loop = asyncio.get_running_loop()

    async def send(message: dict[str, Any]) -> None:
        return None

    for number in range(count):
        body = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive(body: list[dict[str, Any]] = body) -> Any:
            # Beside the view, Django waits for the client to go away.
            return body.pop() if body else await loop.create_future()

        await application(in_process.scope(f"/orders/{number}"), receive, send)


class Plain:
    """The process of the plain application."""

    def __init__(self, interface: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, interface],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, count: int) -> tuple[int, int]:
        """CPU and wall time of so many requests."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        cpu, wall = json.loads(self._process.stdout.readline())
        return cpu, wall

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def main() -> None:
    interface = sys.argv[1]
    configure(interface)
    serve = serving(interface)
    for line in sys.stdin:
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        serve(int(line))
        spent = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
        print(json.dumps(spent), flush=True)


if __name__ == "__main__":
    main()
