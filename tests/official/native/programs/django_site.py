"""A site of Django's that is instrumented, with hooks, before it is set up."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from programs.signals import Signals


def configure(signals: Signals) -> None:
    import django
    from django.conf import settings
    from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
    from django.urls import include, path, re_path
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    def order(request: Any, number: int) -> Any:
        with signals.span("load order"):
            return JsonResponse({"number": number}, headers={"X-Answer": "yes"})

    def broken(request: Any) -> Any:
        raise ValueError("broken view")

    def missing(request: Any) -> Any:
        raise Http404("missing")

    def early(get_response: Any) -> Any:
        def call(request: Any) -> Any:
            return HttpResponse("early") if request.path == "/early" else get_response(request)

        return call

    urls = ModuleType("shop_urls")
    urls.early = early  # type: ignore[attr-defined]
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("orders/<int:number>", order, name="order"),
        path("broken", broken),
        path("missing", missing),
        path("early", broken),
        path("moved", lambda request: HttpResponseRedirect("/orders/1")),
        path("health", lambda request: HttpResponse("ok")),
        re_path("^teapot$", lambda request: HttpResponse("busy", status=503)),
        path("inner/", include([path("teapot", lambda request: HttpResponse(status=418))])),
        path("", lambda request: HttpResponse("index"), name="index"),
    ]
    sys.modules["shop_urls"] = urls
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="shop_urls",
        SECRET_KEY="not secret",
        MIDDLEWARE=["shop_urls.early", "django.middleware.common.CommonMiddleware"],
        LOGGING_CONFIG=None,
    )

    def on_request(span: Any, request: Any) -> None:
        span.set_attribute("hook.method", request.method)

    def on_response(span: Any, request: Any, response: Any) -> None:
        span.set_attribute("hook.status", response.status_code)

    DjangoInstrumentor().instrument(
        request_hook=on_request, response_hook=on_response, **signals.providers
    )
    django.setup()
