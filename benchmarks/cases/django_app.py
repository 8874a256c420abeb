"""A Django application: the handlers that serve it, and its requests."""

from __future__ import annotations

import asyncio
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


def make_handler(interface: str) -> Any:
    """Has the middlewares that are in the settings now."""
    if interface == "wsgi":
        from django.core.handlers.wsgi import WSGIHandler

        return WSGIHandler()
    from django.core.handlers.asgi import ASGIHandler

    return ASGIHandler()


def serving(handler: Any, interface: str, runner: asyncio.Runner) -> Callable[[int], None]:
    """The loop of requests to a handler."""
    if interface == "wsgi":
        return lambda count: in_process.serve_wsgi(handler, count, "/orders/")
    return lambda count: runner.run(_serve_asgi(handler, count))


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
