"""The middleware that records Django's requests, in threads (WSGI) and in tasks (ASGI).

Its dotted path stands in settings. What it records with are attributes of the class, set by
`DjangoInstrumentor`; while there are none, it passes requests on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from logging import getLogger
from types import SimpleNamespace
from typing import Any

from opentelemetry.instrumentation import propagators
from opentelemetry.instrumentation.utils import extract_attributes_from_object
from opentelemetry.trace import Status, StatusCode

from oxitel import _native

from .asgi_attributes import asgi_getter, headers_of
from .conventions import _DEFAULT
from .http.excluded_urls import NOTHING_EXCLUDED, ExcludeList, get_excluded_urls
from .http.headers import SERVER_REQUEST, SERVER_RESPONSE, captures
from .http.request_attributes import get_traced_request_attrs
from .http.server import ServerInstruments
from .http.values import sanitize_method
from .wsgi_attributes import request_headers_of, response_headers_of, wsgi_getter

try:
    from asgiref.sync import iscoroutinefunction, markcoroutinefunction
except ImportError:
    # Before asgiref 3.6, which Django 4.2 asks for.
    import asyncio
    from asyncio import iscoroutinefunction  # type: ignore[assignment]

    def markcoroutinefunction(func: Any) -> Any:
        func._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
        return func


_logger = getLogger("opentelemetry.instrumentation.django")
ServerRequest = _native.ServerRequest

_PREFIX = "opentelemetry-instrumentor-django."
_REQUEST_KEY = f"{_PREFIX}activation_key"
_EXCEPTION_KEY = f"{_PREFIX}exception_key"
_EXCLUDED_KEY = "oxitel.django.excluded"

Hook = Callable[..., Any]


@cache
def _asgi_request() -> Any:
    """Its class. This module is imported while Django's handlers are."""
    try:
        from django.core.handlers.asgi import ASGIRequest
    except ImportError:
        # Before Django 3.
        return ()
    return ASGIRequest


def _is_asgi_request(request: Any) -> bool:
    return isinstance(request, _asgi_request())


def _captures(headers: Callable[[Any], Any]) -> Callable[[], tuple[Any, Any]]:
    def found() -> tuple[Any, Any]:
        request, response = captures(SERVER_REQUEST, SERVER_RESPONSE)
        return (
            (lambda source: request.attributes(headers(source))) if request else None,
            (
                (lambda answer: response.attributes(response_headers_of(answer.items())))
                if response
                else None
            ),
        )

    return found


@dataclass(frozen=True)
class _Excluded:
    """A request of which nothing is recorded, the middleware that it has begun in, and the context
    before it."""

    middleware: Any
    request: ServerRequest
    token: Any

    def __deepcopy__(self, memo: Any) -> _Excluded:
        """Programs copy `META`."""
        return self


class _DjangoMiddleware:
    """Records each request as a span, which lasts as long as a streamed answer."""

    sync_capable = True
    async_capable = True

    _environ_activation_key = _REQUEST_KEY
    _environ_token = f"{_PREFIX}token"
    _environ_span_key = f"{_PREFIX}span_key"
    _environ_exception_key = _EXCEPTION_KEY
    _environ_active_request_attr_key = f"{_PREFIX}active_request_attr_key"
    _environ_duration_attr_key = f"{_PREFIX}duration_attr_key"
    _environ_timer_key = f"{_PREFIX}timer_key"
    _traced_request_attrs = get_traced_request_attrs("DJANGO")
    _excluded_urls = get_excluded_urls("DJANGO")
    _tracer: Any = None
    _meter: Any = None
    _duration_histogram_old: Any = None
    _duration_histogram_new: Any = None
    _active_request_counter: Any = None
    _sem_conv_opt_in_mode = _DEFAULT
    _otel_request_hook: Hook | None = None
    _otel_response_hook: Hook | None = None
    # That of WSGI and that of ASGI.
    _servers: tuple[_native.HttpServer, _native.HttpServer] | None = None

    @classmethod
    def _configure(cls, configuration: dict[str, Any] | None) -> None:
        if configuration is None:
            cls._servers = None
            return
        instruments: ServerInstruments = configuration["_instruments"]
        cls._tracer = instruments.tracer
        cls._meter = instruments.meter
        cls._duration_histogram_old = instruments.duration_old
        cls._duration_histogram_new = instruments.duration_new
        cls._active_request_counter = instruments.active_requests
        cls._sem_conv_opt_in_mode = instruments.conventions.mode
        cls._excluded_urls = configuration["_excluded_urls"]
        cls._traced_request_attrs = get_traced_request_attrs("DJANGO")
        cls._otel_request_hook = configuration["_otel_request_hook"]
        cls._otel_response_hook = configuration["_otel_response_hook"]
        common: dict[str, Any] = {
            "request_hook": None,
            "response_hook": None,
            "request_key": _REQUEST_KEY,
            "span_key": cls._environ_span_key,
        }
        cls._servers = (
            instruments.native(
                getter=wsgi_getter, captures=_captures(request_headers_of), **common
            ),
            instruments.native(getter=asgi_getter, captures=_captures(headers_of), **common),
        )

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
            # Django would call another one in a thread.
            self.process_view = self._process_view_async  # type: ignore[assignment]

    def __call__(self, request: Any) -> Any:
        if self._is_async:
            return self._call_async(request)
        begun = self._begin(request)
        try:
            response = self.get_response(request)
        except BaseException as error:
            _put_back(request, begun)
            self._abandon(request, error)
            raise
        _put_back(request, begun)
        return self.process_response(request, response)

    async def _call_async(self, request: Any) -> Any:
        begun = self._begin(request)
        try:
            response = await self.get_response(request)
        except BaseException as error:
            _put_back(request, begun)
            self._abandon(request, error)
            raise
        _put_back(request, begun)
        return self.process_response(request, response)

    @staticmethod
    def _get_span_name(request: Any) -> str:
        """Method and route, or what else the URL will be resolved to."""
        method = _method_of(request)
        if method == "HTTP":
            return method
        match = request.resolver_match
        if match is None:
            from django.urls import resolve

            try:
                match = resolve(request.path_info, getattr(request, "urlconf", None))
            except Exception:
                # A 404, or an error in the URLs that Django will tell about.
                return method
        return _name_by_match(method, match)

    def process_request(self, request: Any) -> None:
        """Begin the span of a request, and make it current until `process_response`."""
        self._begin(request)

    def _begin(self, request: Any) -> Any:
        """Gives what `META` holds of the request from now on, if anything."""
        servers = self._servers
        meta = request.META
        kept = meta.get(_REQUEST_KEY) or meta.get(_EXCLUDED_KEY)
        if servers is None or kept is not None:
            return kept
        try:
            is_asgi = _is_asgi_request(request)
            server = servers[is_asgi]
            scope = request.scope if is_asgi else None
            excluded: ExcludeList | None = self._excluded_urls
            if (
                excluded is not NOTHING_EXCLUDED
                and excluded
                and excluded.url_disabled(_url_of(request))
            ):
                begin = server.begin_asgi_excluded if is_asgi else server.begin_wsgi_excluded
                begun = begin(meta if scope is None else scope)
                if begun is None:
                    return None
                kept = meta[_EXCLUDED_KEY] = _Excluded(self, begun, begun.enter())
                return kept
            hook = _DjangoMiddleware._otel_request_hook
            if hook is None and not server.has_python_sampler:
                name = _COMMON.get(request.method) or _method_of(request)
            else:
                # They are shown the name that it will have.
                name = self._get_span_name(request)
            kept = begun = server.enter(self, meta, name, scope)
            if begun is None:
                return None
            if self._traced_request_attrs and begun.span.is_recording():
                self._set_traced_attributes(request, begun, scope)
            if hook is not None:
                begun.call_hook(hook, request)
        except Exception:
            _logger.exception("Failed to trace a request")
        return kept

    def _set_traced_attributes(
        self, request: Any, begun: ServerRequest, scope: dict[str, Any] | None
    ) -> None:
        wanted = self._traced_request_attrs
        found = extract_attributes_from_object(request, wanted, {})
        if scope is not None:
            headers = {name: values[-1] for name, values in headers_of(scope).items()}
            found = extract_attributes_from_object(SimpleNamespace(**headers), wanted, found)
        begun.span.set_attributes(found)

    def process_view(self, request: Any, view_func: Any, *args: Any, **kwargs: Any) -> None:
        """Note the route, which Django has found by now."""
        _note_view(request)

    async def _process_view_async(
        self, request: Any, view_func: Any, *args: Any, **kwargs: Any
    ) -> None:
        _note_view(request)

    def process_exception(self, request: Any, exception: Exception) -> None:
        """Keep what a view has raised for the end of the request."""
        keep_exception(request, exception)

    def process_response(self, request: Any, response: Any) -> Any:
        """Note the answer, and end the request unless it is streamed."""
        meta = request.META
        begun = meta.get(_REQUEST_KEY)
        if not isinstance(begun, ServerRequest):
            self._let_go_of_excluded(meta)
        elif (
            _DjangoMiddleware._otel_response_hook is not None
            or propagators._RESPONSE_PROPAGATOR is not None
            or _EXCEPTION_KEY in meta
            or getattr(response, "streaming", False)
            # Else nobody has to do with the answer, and it is there.
            or not begun.ends_with(self, meta, getattr(response, "status_code", None), response)
        ):
            token = begun.let_go(self, meta)
            if token is not None:
                self._answer_harmlessly(request, response, begun)
                begun.leave(token)
        return response

    def _let_go_of_excluded(self, meta: dict[str, Any]) -> None:
        kept: _Excluded | None = meta.get(_EXCLUDED_KEY)
        if kept is not None and kept.middleware is self:
            del meta[_EXCLUDED_KEY]
            kept.request.leave(kept.token)
            kept.request.finish()

    def _answer_harmlessly(self, request: Any, response: Any, begun: ServerRequest) -> None:
        exception = request.META.pop(_EXCEPTION_KEY, None)
        try:
            self._answer(request, response, begun, exception)
        except Exception:
            _logger.exception("Failed to trace an answer")
            begun.finish()

    def _answer(self, request: Any, response: Any, begun: ServerRequest, exception: Any) -> None:
        match = request.resolver_match
        if match is None:
            # Answered before a view was asked for.
            begun.routed(self._get_span_name(request), None)
        elif begun.route is None:
            # In a handler that was made before, which does not call `process_view`.
            _note_route(request, begun, match)
        begun.answered(response.status_code, response)
        propagator = propagators.get_global_response_propagator()
        if propagator is not None:
            try:
                propagator.inject(response)
            except Exception:
                _logger.exception("The response propagator raised")
        if exception is not None:
            begun.span.record_exception(exception)
            text = f"{type(exception).__name__}: {exception}"
            begun.span.set_status(Status(StatusCode.ERROR, text))
        hook = _DjangoMiddleware._otel_response_hook
        if hook is not None:
            begun.call_hook(hook, request, response)
        if getattr(response, "streaming", False) and hasattr(response, "_resource_closers"):
            _follow(begun, response)
        else:
            begun.finish()

    def _abandon(self, request: Any, error: BaseException) -> None:
        """End a request that will have no answer."""
        meta = request.META
        begun = meta.get(_REQUEST_KEY)
        if not isinstance(begun, ServerRequest):
            self._let_go_of_excluded(meta)
            return
        token = begun.let_go(self, meta)
        if token is not None:
            meta.pop(_EXCEPTION_KEY, None)
            begun.failed(error)
            begun.leave(token)
            begun.finish()


def _put_back(request: Any, begun: Any) -> None:
    """Where a program has emptied or replaced `META`: its context would stay current for ever."""
    if begun is None:
        return
    key = _EXCLUDED_KEY if type(begun) is _Excluded else _REQUEST_KEY
    try:
        if key not in request.META:
            request.META[key] = begun
    except Exception:
        _logger.exception("Failed to trace an answer")


def keep_exception(request: Any, exception: Exception) -> None:
    meta = request.META
    if _REQUEST_KEY in meta:
        meta[_EXCEPTION_KEY] = exception


_COMMON = {name: name for name in ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")}


def _method_of(request: Any) -> str:
    method = request.method
    common = _COMMON.get(method)
    if common is not None:
        return common
    method = sanitize_method((method or "").strip())
    return "HTTP" if method == "_OTHER" else method


def _name_by_match(method: str, match: Any) -> str:
    if method == "HTTP":
        return method
    place = getattr(match, "route", None) or getattr(match, "url_name", None)
    return f"{method} {place}" if place else method


def _note_view(request: Any) -> None:
    begun = request.META.get(_REQUEST_KEY)
    match = request.resolver_match
    if isinstance(begun, ServerRequest) and match is not None:
        _note_route(request, begun, match)


def _note_route(request: Any, begun: ServerRequest, match: Any) -> None:
    route = getattr(match, "route", None)
    if route and request.method in _COMMON:
        begun.routed_to(route)
    else:
        begun.routed(_name_by_match(_method_of(request), match), route or None)


def _url_of(request: Any) -> str:
    """The URL without its query."""
    try:
        return str(request.build_absolute_uri("?"))
    except Exception:
        # Of a host that Django does not serve, which is its business to say.
        return f"{request.scheme}://{request.META.get('HTTP_HOST', '')}{request.path}"


def _follow(begun: ServerRequest, response: Any) -> None:
    """Have the request last as long as the answer is streamed."""
    if getattr(response, "file_to_stream", None) is None:
        parts = response.streaming_content
        if getattr(response, "is_async", False):
            response.streaming_content = _during(begun, parts)
        else:
            response.streaming_content = begun.during(parts)
    # A file goes to the server as it is.
    response._resource_closers.append(begun.finish)


async def _during(begun: ServerRequest, parts: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The parts, each made inside the span."""
    iterator = aiter(parts)
    try:
        while True:
            token = begun.enter()
            try:
                part = await anext(iterator)
            except StopAsyncIteration:
                return
            except BaseException as error:
                begun.failed(error)
                raise
            finally:
                begun.leave(token)
            yield part
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
        begun.finish()


_DjangoMiddleware.__module__ = "opentelemetry.instrumentation.django.middleware.otel_middleware"
