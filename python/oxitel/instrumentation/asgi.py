"""OpenTelemetryMiddleware: traces and metrics of any ASGI application.

Official name: `opentelemetry.instrumentation.asgi`.

A request is one span, from its beginning to the end of its answer, and an inner span for each
message that is received or sent, unless `exclude_spans` leaves those out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from logging import getLogger
from typing import Any

from opentelemetry.instrumentation import propagators
from opentelemetry.metrics import Meter, MeterProvider
from opentelemetry.trace import Span, Tracer, TracerProvider, set_span_in_context

from oxitel import _native
from oxitel.variables import http as variables

from .asgi_attributes import asgi_getter, asgi_setter, get_default_span_details, headers_of
from .http.arguments import hook_of, say_unusable
from .http.excluded_urls import ExcludeList, parse_excluded_urls
from .http.headers import SERVER_REQUEST, SERVER_RESPONSE, captures
from .http.server import ServerInstruments

_NAME = "opentelemetry.instrumentation.asgi"
_logger = getLogger(_NAME)

_instruments = ("asgiref ~= 3.0",)
_supports_metrics = True
_semconv_status = "migration"

REQUEST_KEY = "oxitel.asgi.request"

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ServerRequestHook = Callable[[Span, Scope], None] | None
ClientRequestHook = Callable[[Span, Scope, Message], None] | None
ClientResponseHook = Callable[[Span, Scope, Message], None] | None


def _guarded(hook: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """What the hook raises is recorded on the span that it is given."""
    if hook is None:
        return None

    def call(span: Span, *arguments: Any) -> None:
        try:
            hook(span, *arguments)
        except Exception as error:
            span.record_exception(error)

    return call


def _excluded_spans(given: Iterable[str] | None) -> frozenset[str]:
    if given is None:
        return frozenset(variables.ASGI_EXCLUDE_SPANS.read())
    names = frozenset([given] if isinstance(given, str) else given)
    if names - {"receive", "send"}:
        say_unusable("exclude_spans", given, "a list of 'receive' and 'send'", "those it has")
    return names


class OpenTelemetryMiddleware:
    """An ASGI application around `app`.

    - `excluded_urls`: regular expressions with commas between them, or an `ExcludeList`; they are
      compared with scheme, host and path;
    - `default_span_details(scope)`: gives name and attributes of the span, in place of method and
      path;
    - `server_request_hook(span, scope)`: called before the application;
    - `client_request_hook(span, scope, message)` and `client_response_hook(span, scope, message)`:
      called with the inner span of a message that was received, or that will be sent;
    - `tracer_provider`, `meter_provider`: the global ones if not given; or `tracer` and `meter`;
    - `http_capture_headers_server_request`, `…_server_response`, `…_sanitize_fields`: patterns, in
      place of the variables of these names;
    - `exclude_spans`: which inner spans to leave out, `receive` or `send`.
    """

    _note_route: Callable[[_native.ServerRequest, Scope, bool], None] | None = None
    """Notes the route that a framework has left in the scope; True when the answer begins."""
    _route_context: tuple[str, str] | None = None
    """Where an inner route is in the scope: the key of a dict, and the one in that."""
    _tracer_key: str | None = None
    """Under it the context of a request holds the tracer."""

    def __init__(
        self,
        app: Any,
        excluded_urls: ExcludeList | str | None = None,
        default_span_details: Callable[[Scope], tuple[str, dict[str, Any]]] | None = None,
        server_request_hook: ServerRequestHook = None,
        client_request_hook: ClientRequestHook = None,
        client_response_hook: ClientResponseHook = None,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        tracer: Tracer | None = None,
        meter: Meter | None = None,
        http_capture_headers_server_request: list[str] | None = None,
        http_capture_headers_server_response: list[str] | None = None,
        http_capture_headers_sanitize_fields: list[str] | None = None,
        exclude_spans: Iterable[str] | None = None,
    ) -> None:
        self.app = _single_callable(app)
        instruments = ServerInstruments(
            _NAME, tracer_provider, meter_provider, tracer=tracer, meter=meter
        )
        instruments.measure_sizes()
        self.tracer = instruments.tracer
        self.meter = instruments.meter
        self.duration_histogram_old = instruments.duration_old
        self.duration_histogram_new = instruments.duration_new
        self.active_requests_counter = instruments.active_requests
        self._sem_conv_opt_in_mode = instruments.conventions.mode
        if isinstance(excluded_urls, str):
            excluded_urls = parse_excluded_urls(excluded_urls)
        self.excluded_urls = excluded_urls
        self._excluded = excluded_urls or None
        self.default_span_details = default_span_details or get_default_span_details
        self._span_details = default_span_details
        hooks = {
            "server_request_hook": server_request_hook,
            "client_request_hook": client_request_hook,
            "client_response_hook": client_response_hook,
        }
        self.server_request_hook = _guarded(hook_of(hooks, "server_request_hook"))
        self.client_request_hook = _guarded(hook_of(hooks, "client_request_hook"))
        self.client_response_hook = _guarded(hook_of(hooks, "client_response_hook"))
        excluded_spans = _excluded_spans(exclude_spans)
        self.exclude_receive_span = "receive" in excluded_spans
        self.exclude_send_span = "send" in excluded_spans
        request, response = captures(
            SERVER_REQUEST,
            SERVER_RESPONSE,
            http_capture_headers_server_request,
            http_capture_headers_server_response,
            http_capture_headers_sanitize_fields,
        )
        self._server = instruments.native(
            getter=asgi_getter,
            request_hook=None,
            response_hook=None,
            # That of the route in the scope, where there is one.
            has_targets=False,
            captures=lambda: (
                (lambda scope: request.attributes(headers_of(scope))) if request else None,
                (lambda message: response.attributes(headers_of(message))) if response else None,
            ),
            response_setter=asgi_setter,
            tracer_key=self._tracer_key,
            route_context=self._route_context,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        # FastAPI and Starlette make spans of their own, unless they are told that there are some.
        scope["fastapi.telemetry"] = None
        scope["starlette.opentelemetry"] = True
        if self._excluded is not None and self._excluded.url_disabled(_native.asgi_url(scope)):
            return await self._excluded_call(scope, receive, send)
        name, attributes = self._details(scope)
        request = self._server.begin_asgi(scope, name, attributes)
        if request is None:
            return await self.app(scope, receive, send)
        scope[REQUEST_KEY] = request
        token = request.enter()
        try:
            if self.server_request_hook is not None:
                self.server_request_hook(request.span, scope)
            # A framework knows the route, and so the name, when the first message is on its way.
            note_route = self._note_route
            has_inner_spans = request.has_inner_spans
            if not self.exclude_receive_span and (
                has_inner_spans or self.client_request_hook is not None
            ):
                # Many requests are answered without it: a function made for each would be dearer.
                receive = partial(self._receive, request, kind, scope, receive)
            hook = self.client_response_hook
            if hook is None:
                suffix = _SUFFIXES[kind] if has_inner_spans and not self.exclude_send_span else None
                send = request.sending(scope, send, suffix, note_route)
            else:
                send = self._sending(request, kind, scope, send, note_route, hook)
            await self.app(scope, receive, send)
        except BaseException as error:
            request.failed(error)
            raise
        finally:
            request.left(token, scope)

    async def _excluded_call(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._server.begin_asgi_excluded(scope)
        if request is None:
            return await self.app(scope, receive, send)
        token = request.enter()
        try:
            await self.app(scope, receive, send)
        finally:
            request.leave(token)

    def _details(self, scope: Scope) -> tuple[str | None, dict[str, Any] | None]:
        """Name and attributes, where they are not method and path."""
        if self._span_details is None:
            return None, None
        try:
            return self._span_details(scope)
        except Exception:
            _logger.exception("default_span_details raised; method and path are used instead")
            return None, None

    async def _receive(
        self, request: _native.ServerRequest, kind: str, scope: Scope, receive: Receive
    ) -> Message:
        note_route = self._note_route
        if note_route is not None:
            note_route(request, scope, False)
        with self.tracer.start_as_current_span(f"{request.name} {kind} receive") as span:
            message = await receive()
            hook = self.client_request_hook
            if hook is not None:
                hook(span, scope, message)
            event = message["type"]
            if event == "websocket.receive":
                request.set_status_on(span, 200)
            span.set_attribute("asgi.event.type", event)
        return message

    def _sending(
        self,
        request: _native.ServerRequest,
        kind: str,
        scope: Scope,
        send: Send,
        note_route: Callable[[_native.ServerRequest, Scope, bool], None] | None,
        hook: Callable[..., Any],
    ) -> Send:
        start = None if self.exclude_send_span else self.tracer.start_as_current_span

        async def otel_send(message: Message) -> None:
            event = message["type"]
            if note_route is not None:
                note_route(request, scope, True)
            if start is not None:
                with start(f"{request.name} {kind} send") as span:
                    hook(span, scope, message)
                    span.set_attribute("asgi.event.type", event)
                    if event == "http.response.start":
                        request.set_status_on(span, message["status"])
                    elif event == "websocket.send":
                        request.set_status_on(span, 200)
            if event in _WITH_HEADERS and propagators._RESPONSE_PROPAGATOR is not None:
                _propagate(request, message)
            is_last = request.sends(event, message)
            await send(message)
            if is_last:
                request.ends(scope)

        return otel_send


_SUFFIXES = {"http": " http send", "websocket": " websocket send"}


async def _sent(request: _native.ServerRequest, scope: Scope, sent: Awaitable[None]) -> None:
    """The server has the last message of an answer; called by the native `send`."""
    await sent
    request.ends(scope)


_WITH_HEADERS = ("http.response.start", "websocket.accept", "websocket.send")


def _propagate(request: _native.ServerRequest, message: Message) -> None:
    """Have the global response propagator add its headers to the answer."""
    propagator = propagators.get_global_response_propagator()
    if propagator is None:
        return
    headers = message.get("headers")
    if headers is not None and not isinstance(headers, list):
        message["headers"] = list(headers)
    try:
        propagator.inject(message, context=set_span_in_context(request.span), setter=asgi_setter)
    except Exception:
        _logger.exception("The response propagator raised")


def _single_callable(app: Any) -> Any:
    """`app` as an ASGI 3 application; those of ASGI 2 are called twice."""
    try:
        from asgiref.compatibility import guarantee_single_callable
    except ImportError:
        return app
    return guarantee_single_callable(app)  # type: ignore[no-untyped-call]


# FastAPI and others know the middleware by its official name.
OpenTelemetryMiddleware.__module__ = _NAME
