"""opentelemetry-instrumentation-django: its test clients (WSGI, ASGI) and a real WSGI server."""

from typing import Any

from declare import Run, program
from programs.both_sides import serve_wsgi
from programs.signals import Signals

HEADERS = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


def configure(run: Run, signals: Any, **options: Any) -> None:
    import sys
    from types import ModuleType

    import django
    from django.conf import settings
    from django.http import HttpResponse, JsonResponse
    from django.urls import include, path
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    def order(request: Any, number: int) -> Any:
        with signals.span("load order"):
            return JsonResponse({"number": number})

    def broken(request: Any) -> Any:
        raise ValueError("broken view")

    def teapot(request: Any) -> Any:
        return HttpResponse("short and stout", status=418)

    urls = ModuleType("shop_urls")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("orders/<int:number>", order, name="order"),
        path("broken", broken),
        path("inner/", include([path("teapot", teapot)])),
    ]
    sys.modules["shop_urls"] = urls
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="shop_urls",
        SECRET_KEY="secret",
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        LOGGING_CONFIG=None,
    )
    DjangoInstrumentor().instrument(**signals.providers, **options)
    django.setup()


def visit(run: Run, client: Any) -> None:
    for path in ("/orders/5?q=1", "/nowhere", "/broken", "/inner/teapot"):
        run.observe(path, client.get(path).status_code)
    run.observe("parent", client.get("/orders/6", headers=HEADERS).status_code)


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
    },
    env={
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "content-type",
        "OTEL_PYTHON_DJANGO_TRACED_REQUEST_ATTRS": "path_info,content_type",
    },
    log_level="CRITICAL",
)
def test_client(run: Run) -> None:
    signals = Signals(run)
    configure(run, signals)
    from django.test import Client

    visit(run, Client(raise_request_exception=False))


@program(log_level="CRITICAL")
def asynchronous(run: Run) -> None:
    import asyncio

    def on_request(span: Any, request: Any) -> None:
        span.set_attribute("hook.method", request.method)

    def on_response(span: Any, request: Any, response: Any) -> None:
        span.set_attribute("hook.status", response.status_code)

    signals = Signals(run)
    configure(run, signals, request_hook=on_request, response_hook=on_response)
    from django.test import AsyncClient

    async def main() -> None:
        client = AsyncClient(raise_request_exception=False)
        for path in ("/orders/5?q=1", "/broken"):
            run.observe(path, (await client.get(path)).status_code)

    asyncio.run(main())


@program(log_level="CRITICAL")
def a_real_server_called_by_requests(run: Run) -> None:
    signals = Signals(run)
    configure(run, signals)
    import requests
    from django.core.wsgi import get_wsgi_application

    url = serve_wsgi(run, get_wsgi_application())
    for count, path in ((2, "/orders/5"), (3, "/nowhere"), (5, "/orders/6")):
        run.observe(path, requests.get(url + path, headers=HEADERS, timeout=10).status_code)
        signals.settle(count)
