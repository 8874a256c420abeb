"""OpenTelemetryMiddleware: traces and metrics of any WSGI application (PEP 3333).

Official name: `opentelemetry.instrumentation.wsgi`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from .http.arguments import hook_of
from .http.headers import SERVER_REQUEST, SERVER_RESPONSE, captures
from .http.server import ServerInstruments
from .wsgi_attributes import (
    Environ,
    request_headers_of,
    response_headers_of,
    wsgi_getter,
)

_NAME = "opentelemetry.instrumentation.wsgi"

_instruments = ()
_supports_metrics = True
_semconv_status = "migration"

RequestHook = Callable[..., None]
ResponseHook = Callable[..., None]


def wsgi_captures() -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
    """From a WSGI request's environment, and from an answer's headers, to the attributes that the
    variables ask for; None where they ask for nothing."""
    request, response = captures(SERVER_REQUEST, SERVER_RESPONSE)
    return (
        (lambda environ: request.attributes(request_headers_of(environ))) if request else None,
        (lambda headers: response.attributes(response_headers_of(headers))) if response else None,
    )


class OpenTelemetryMiddleware:
    """A WSGI application around `wsgi`: each request is a span, which lasts as long as its body.

    - `request_hook(span, environ)`: called when the span has started;
    - `response_hook(span, environ, status, response_headers)`: called with what the application
      answers, before it is passed on;
    - `tracer_provider`, `meter_provider`: the global ones if not given.

    What a hook raises is logged.
    """

    def __init__(
        self,
        wsgi: Callable[..., Iterable[bytes]],
        request_hook: RequestHook | None = None,
        response_hook: ResponseHook | None = None,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        hooks = {"request_hook": request_hook, "response_hook": response_hook}
        self.wsgi = wsgi
        self.request_hook = hook_of(hooks, "request_hook")
        self.response_hook = hook_of(hooks, "response_hook")
        instruments = ServerInstruments(_NAME, tracer_provider, meter_provider)
        self.tracer = instruments.tracer
        self.meter = instruments.meter
        self.duration_histogram_old = instruments.duration_old
        self.duration_histogram_new = instruments.duration_new
        self.active_requests_counter = instruments.active_requests
        self._sem_conv_opt_in_mode = instruments.conventions.mode
        self._server = instruments.native(
            getter=wsgi_getter,
            request_hook=self.request_hook,
            response_hook=self.response_hook,
            captures=wsgi_captures,
            has_bare_descriptions=True,
        )

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self._server.call_wsgi(self.wsgi, environ, start_response)
