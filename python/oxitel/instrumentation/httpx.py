"""HTTPXClientInstrumentor, and its twin for httpx2: traces and metrics of the requests of httpx.

Official name: `opentelemetry.instrumentation.httpx`. What sends one request of a client, whatever
its transport is, is patched on the classes: a redirect is a span of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from importlib import import_module
from inspect import iscoroutinefunction
from logging import getLogger
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from oxitel import _native
from oxitel.official_name import official

from .http.arguments import hook_of, say_unusable
from .http.client import ClientInstruments, call_awaited, say_failed
from .http.excluded_urls import excluded_by
from .http.headers import CLIENT_REQUEST, CLIENT_RESPONSE, captures
from .instrumentor import Instrumentor
from .patching import Patches

if TYPE_CHECKING:
    from .httpx_hooks import (
        AsyncRequestHook as AsyncRequestHook,
        AsyncResponseHook as AsyncResponseHook,
        RequestHook as RequestHook,
        RequestInfo as RequestInfo,
        ResponseHook as ResponseHook,
        ResponseInfo as ResponseInfo,
    )

_NAME = "opentelemetry.instrumentation.httpx"
_FLAG = "_is_instrumented_by_opentelemetry"
_SLOT = "_oxitel_instrumentation"
_MISSING: Any = object()
_logger = getLogger(_NAME)

_instruments_httpx = ("httpx >= 0.18.0",)
_instruments_httpx2 = ("httpx2 >= 2.0.0",)
_instruments = ()
_instruments_any = (*_instruments_httpx, *_instruments_httpx2)
_supports_metrics = True
_semconv_status = "migration"


class Instrumentation:
    """What the requests of one client or transport, or of all, are recorded with."""

    def __init__(
        self,
        tracer_provider: Any,
        meter_provider: Any,
        request_hook: Callable[..., Any] | None,
        response_hook: Callable[..., Any] | None,
        async_request_hook: Callable[..., Any] | None,
        async_response_hook: Callable[..., Any] | None,
    ) -> None:
        self.request_hook = request_hook
        self.response_hook = response_hook
        self.async_request_hook = async_request_hook
        self.async_response_hook = async_response_hook
        self.client = ClientInstruments(_NAME, tracer_provider, meter_provider).native(
            excluded_by(None, "HTTPX"), peer_on_span=True, header_layout="triples"
        )
        self.captured_request, self.captured_response = captures(CLIENT_REQUEST, CLIENT_RESPONSE)
        self.captures_response = bool(self.captured_response)
        # For native code, if nothing of the program's has to do with a call but the sending.
        hooks = (request_hook, response_hook)
        if any((*hooks, async_request_hook, async_response_hook)):
            # Here, so that no request can fail by it.
            import_module(f"{__package__}.httpx_hooks")
        captures_any = self.captured_request or self.captured_response
        is_plain = not captures_any and hooks == (None, None)
        self.at_once = self.client if is_plain else None
        self.sends_at_once_async = async_request_hook is None and not self.captured_request

    def send(self, send: Callable[..., Any], sender: Any, request: Any, *rest: Any) -> Any:
        """One request that `send` sends, which is called with the other arguments."""
        call = self._begin(request, sends_at_once=False)
        if call is None:
            return send(sender, request, *rest)
        information = None
        if self.request_hook is not None or self.response_hook is not None:
            information = _information(request)
            if self.request_hook is not None:
                call.call_hook(self.request_hook, information)
        call.sends(request.headers)
        try:
            response = send(sender, request, *rest)
        except BaseException as error:
            call.failed(error)
            call.finish()
            raise
        self._answered(call, response, self.response_hook is None)
        if self.response_hook is not None:
            call.call_hook(self.response_hook, information, _answer(response))
            call.finish()
        return response

    async def send_async(
        self, send: Callable[..., Awaitable[Any]], sender: Any, request: Any, *rest: Any
    ) -> Any:
        """One request that `send` sends, which is called with the other arguments."""
        call = self._begin(request, self.sends_at_once_async)
        if call is None:
            return await send(sender, request, *rest)
        information = None
        if self.async_request_hook is not None or self.async_response_hook is not None:
            information = _information(request)
            if self.async_request_hook is not None:
                await call_awaited(self.async_request_hook, call.span, information)
        if not self.sends_at_once_async:
            call.sends(request.headers)
        try:
            response = await send(sender, request, *rest)
        except BaseException as error:
            call.failed(error)
            call.finish()
            raise
        self._answered(call, response, self.async_response_hook is None)
        if self.async_response_hook is not None:
            await call_awaited(self.async_response_hook, call.span, information, _answer(response))
            call.finish()
        return response

    def _begin(self, request: Any, sends_at_once: bool) -> _native.ClientCall | None:
        try:
            url, headers = request.url, request.headers
            target: str | tuple[Any, ...] | None = _parts(url)
            server = None
            if target is None:
                target = str(url)
                if "xn--" in target:
                    # Its own host is the name in letters.
                    server = (url.scheme, url.host, url.port)
            if sends_at_once:
                fields = None
                if type(headers) in _known_headers and headers._encoding in _LIKE_ASCII:
                    fields = headers._list
                return self.client.send(request.method, target, headers, fields, None, server)
            call = self.client.begin(request.method, target, None, server)
            if call is not None and self.captured_request:
                call.set_attributes(self.captured_request.attributes(_listed(headers)))
            return call
        except Exception:
            say_failed()
            return None

    def _answered(self, call: _native.ClientCall, response: Any, is_over: bool) -> None:
        """There is an answer, and with `is_over` nothing more of the call to come."""
        try:
            version = response.extensions.get("http_version", b"HTTP/1.1")
            text = _VERSIONS.get(version) or version.decode("ascii", "ignore").removeprefix("HTTP/")
            if is_over and not self.captures_response:
                call.complete(response.status_code, text)
                return
            call.answered(response.status_code, text)
            if self.captures_response:
                headers = _listed(response.headers)
                call.set_attributes(self.captured_response.attributes(headers))
        except Exception:
            say_failed()
        if is_over:
            call.finish()


_VERSIONS = {b"HTTP/1.1": "1.1", b"HTTP/2": "2", b"HTTP/1.0": "1.0"}


# The libraries' classes of URLs and of headers that are seen to keep what they have as native code
# reads and writes it: by their own methods, both cost more than the rest of a call.
_known_urls: set[type[Any]] = set()
_known_headers: set[type[Any]] = set()
_LIKE_ASCII: frozenset[str | None] = frozenset((None, "ascii", "utf-8"))
_PARTS = ("scheme", "userinfo", "host", "port", "path", "query", "fragment")


def _parts(url: Any) -> tuple[Any, ...] | None:
    """What an absolute URL is put together of, if that is known."""
    if type(url) in _known_urls:
        parts: tuple[Any, ...] = url._uri_reference
        host = parts[2]
        if parts[0] and host and "xn--" not in host:
            return parts
    return None


def _look_at(module: ModuleType) -> None:
    try:
        url = module.URL("http://user:a%20b@[::1]:8080/a/../b%20c?d=e#f")
        parts = url._uri_reference
        if (
            isinstance(parts, tuple)
            and getattr(parts, "_fields", ()) == _PARTS
            and [*parts] == ["http", "user:a%20b", "::1", 8080, "/b%20c", "d=e", "f"]
            and str(url) == "http://user:a%20b@[::1]:8080/b%20c?d=e#f"
        ):
            _known_urls.add(module.URL)
    except Exception:
        _logger.debug("URLs are read by their text", exc_info=True)
    try:
        headers = module.Headers({"A-Name": "old", "other": "1"})
        headers["a-name"] = "new"
        headers["Last"] = "2"
        expected = [
            (b"a-name", b"a-name", b"new"),
            (b"other", b"other", b"1"),
            (b"Last", b"last", b"2"),
        ]
        if headers._list == expected and headers._encoding in _LIKE_ASCII:
            _known_headers.add(module.Headers)
    except Exception:
        _logger.debug("Headers are set by their methods", exc_info=True)


def _information(request: Any) -> RequestInfo:
    from .httpx_hooks import RequestInfo

    method = request.method.encode()
    return RequestInfo(method, request.url, request.headers, request.stream, request.extensions)


def _answer(response: Any) -> ResponseInfo:
    from .httpx_hooks import ResponseInfo

    return ResponseInfo(
        response.status_code, response.headers, response.stream, response.extensions
    )


def _listed(headers: Any) -> dict[str, list[str]]:
    """Each header with its values, those with commas between them apart."""
    return {name.lower(): headers.get_list(name, split_commas=True) for name in headers}


def _coroutine(arguments: dict[str, Any], name: str) -> Callable[..., Any] | None:
    hook = hook_of(arguments, name)
    if hook is not None and not iscoroutinefunction(hook):
        say_unusable(name, hook, "a function that is async", "no hook")
        return None
    return hook


class _BaseInstrumentor(Instrumentor):
    """What the instrumentors of both libraries do."""

    _module_name: ClassVar[str]
    _dependencies: ClassVar[tuple[str, ...]]
    _patches: ClassVar[Patches]
    _for_all: ClassVar[Instrumentation | None]
    # Sends the requests with which nothing of the program's has to do.
    _method: ClassVar[_native.ClientMethod | None] = None
    _module: ClassVar[ModuleType | None] = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return self._dependencies

    def _instrument(self, **kwargs: Any) -> None:
        type(self)._for_all = Instrumentation(
            kwargs.get("tracer_provider"),
            kwargs.get("meter_provider"),
            hook_of(kwargs, "request_hook"),
            hook_of(kwargs, "response_hook"),
            _coroutine(kwargs, "async_request_hook"),
            _coroutine(kwargs, "async_response_hook"),
        )
        self._patches.switch_on()
        self._choose()

    def _uninstrument(self, **kwargs: Any) -> None:
        type(self)._for_all = None
        # A client that has an instrumentation of its own keeps it.
        self._choose()

    @classmethod
    def _choose(cls) -> None:
        """Have native code record what it can."""
        method, module, found = cls._method, cls._module, cls._for_all
        if method is None or module is None:
            return
        are_known = module.URL in _known_urls and module.Headers in _known_headers
        if not are_known or transports_made or (found is not None and found.at_once is None):
            method.switch_off()
        else:
            method.switch_on(None if found is None else found.at_once)

    @classmethod
    def instrument_client(
        cls,
        client: Any,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        request_hook: RequestHook | AsyncRequestHook | None = None,
        response_hook: ResponseHook | AsyncResponseHook | None = None,
    ) -> None:
        """Instrument one client; the arguments are those of `instrument`, whose hooks are async
        for an `AsyncClient`."""
        if getattr(client, _FLAG, False):
            _logger.warning("Attempting to instrument Httpx client while already instrumented")
            return
        hooks = {"request_hook": request_hook, "response_hook": response_hook}
        is_async = hasattr(client, "aclose")
        usable = []
        for name in hooks:
            hook = hook_of(hooks, name)
            if hook is not None and iscoroutinefunction(hook) is not is_async:
                expected = "a function that is " + ("async" if is_async else "not async")
                say_unusable(name, hook, expected, "no hook")
                hook = None
            usable.append(hook)
        none = [None, None]
        own = Instrumentation(
            tracer_provider,
            meter_provider,
            *(none if is_async else usable),
            *(usable if is_async else none),
        )
        cls._patches.switch_on()
        setattr(client, _SLOT, own)
        setattr(client, _FLAG, True)

    @staticmethod
    def uninstrument_client(client: Any) -> None:
        """Record nothing more of what this client sends."""
        setattr(client, _SLOT, None)
        setattr(client, _FLAG, False)

    @classmethod
    def _instrumentation_of(cls, client: Any, request: Any) -> Instrumentation | None:
        found = getattr(client, _SLOT, _MISSING)
        if found is _MISSING:
            found = cls._for_all
        if found is not None and transports_made:
            # Of two spans for one request, that of the transport stays.
            from .httpx_transports import is_instrumented

            if is_instrumented(client._transport_for_url(request.url)):
                return None
        return found


# Whether the program has made one of the transports of httpx_transports.
transports_made = False


def transport_made() -> None:
    """From now on, each request's transport is looked at."""
    global transports_made
    if not transports_made:
        transports_made = True
        HTTPXClientInstrumentor._choose()
        HTTPX2ClientInstrumentor._choose()


def _layout(module: ModuleType) -> dict[str, Any]:
    return {
        "request": module.Request,
        "url": (module.URL, "_uri_reference"),
        "headers": module.Headers,
        "fields": "_list",
        "encoding": "_encoding",
        "reads_user_agent": False,
        "status": "status_code",
        "version": ("extensions", "http_version"),
    }


def _patch(instrumentor: type[_BaseInstrumentor], module: ModuleType) -> None:
    _look_at(module)

    def send(
        original: Callable[..., Any], self: Any, request: Any, *rest: Any, **options: Any
    ) -> Any:
        found = instrumentor._instrumentation_of(self, request)
        if found is None:
            return original(self, request, *rest, **options)
        send = partial(original, **options) if options else original
        return found.send(send, self, request, *rest)

    def send_one(original: Callable[..., Any]) -> Callable[..., Any]:
        method = _native.ClientMethod.around(
            original, send, _layout(module), slot=(_SLOT, _MISSING)
        )
        setattr(method, _FLAG, True)
        instrumentor._method, instrumentor._module = method, module
        return method

    def send_one_async(original: Callable[..., Any]) -> Callable[..., Any]:
        async def _send_single_request(self: Any, request: Any, *rest: Any, **options: Any) -> Any:
            found = instrumentor._instrumentation_of(self, request)
            if found is None:
                return await original(self, request, *rest, **options)
            send = partial(original, **options) if options else original
            return await found.send_async(send, self, request, *rest)

        setattr(_send_single_request, _FLAG, True)
        return _send_single_request

    name = "_send_single_request"
    for kind, make in ((module.Client, send_one), (module.AsyncClient, send_one_async)):
        # Under one name or the other, a class is patched once: httpx2 can stand in for httpx.
        if not getattr(getattr(kind, name), _FLAG, False):
            # Else clients whose class has a `__getattr__` would be asked by it.
            setattr(kind, _SLOT, _MISSING)
            instrumentor._patches.wrap(kind, name, make)
    instrumentor._choose()


@official("opentelemetry.instrumentation.httpx")
class HTTPXClientInstrumentor(_BaseInstrumentor):
    """Instruments the clients of httpx.

    `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `request_hook(span, RequestInfo)`: called before a `Client` sends a request;
    - `response_hook(span, RequestInfo, ResponseInfo)`: called with its answer;
    - `async_request_hook`, `async_response_hook`: the same for an `AsyncClient`, awaited.

    `OTEL_PYTHON_HTTPX_EXCLUDED_URLS` says which URLs are not recorded. What a hook raises is
    logged.
    """

    _module_name = "httpx"
    _dependencies = _instruments_httpx
    _for_all = None
    _patches = Patches({"httpx": lambda module: _patch(HTTPXClientInstrumentor, module)})


@official("opentelemetry.instrumentation.httpx")
class HTTPX2ClientInstrumentor(_BaseInstrumentor):
    """Instruments the clients of httpx2; the arguments are those of `HTTPXClientInstrumentor`."""

    _module_name = "httpx2"
    _dependencies = _instruments_httpx2
    _for_all = None
    _patches = Patches({"httpx2": lambda module: _patch(HTTPX2ClientInstrumentor, module)})


OF_HOOKS = {
    *("AsyncRequestHook", "AsyncResponseHook", "RequestHook", "RequestInfo", "ResponseHook"),
    "ResponseInfo",
}


def __getattr__(name: str) -> Any:
    """The transports, which derive from those of the libraries, and what only hooks need."""
    if name in OF_HOOKS:
        from . import httpx_hooks

        return getattr(httpx_hooks, name)
    if "OpenTelemetryTransport" in name:
        from . import httpx_transports

        return getattr(httpx_transports, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
