"""URLLib3Instrumentor: traces and metrics of the requests that urllib3 makes.

Official name: `opentelemetry.instrumentation.urllib3`. `HTTPConnectionPool.urlopen` is patched,
which calls itself for each retry and redirect: one span for all of them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sized
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel.incidental import incidental
from oxitel.official_name import official

from .http.arguments import hook_of
from .http.client import ClientInstruments, filtered, http_version, say_failed
from .http.excluded_urls import excluded_by
from .http.headers import CLIENT_REQUEST, CLIENT_RESPONSE, Capture, captures
from .http.peer_address import is_wanted, set_ip_on_next_http_connection
from .instrumentor import Instrumentor
from .patching import Patches

if TYPE_CHECKING:
    from .urllib3_hooks import RequestInfo as RequestInfo

_NAME = "opentelemetry.instrumentation.urllib3"
_DEFAULT_PORTS = {"http": 80, "https": 443}

_instruments = ("urllib3 >= 1.0.0, < 3.0.0",)
_supports_metrics = True
_semconv_status = "migration"


class _Instrumentation:
    """What all calls are recorded with."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.request_hook = hook_of(arguments, "request_hook")
        if self.request_hook is not None:
            # Here, so that no request can fail by it.
            import_module(f"{__package__}.urllib3_hooks")
        self.response_hook = hook_of(arguments, "response_hook")
        self.url_filter = hook_of(arguments, "url_filter", "filter")
        instruments = ClientInstruments(
            _NAME,
            arguments.get("tracer_provider"),
            arguments.get("meter_provider"),
            old_buckets=None,
            old_description="Measures the duration of the outbound HTTP request",
        )
        instruments.measure_sizes()
        self.client = instruments.native(
            excluded_by(arguments.get("excluded_urls"), "URLLIB3"),
            suppresses=True,
            server_on_span=False,
        )
        self.captured_request, self.captured_response = _captures(arguments)
        self.captures_response = bool(self.captured_response)
        # Whether nothing of the program's runs in the call but the sending.
        hooks = (self.request_hook, self.response_hook)
        self.sends_at_once = not self.captured_request and hooks == (None, None)

    def call(
        self,
        original: Callable[..., Any],
        pool: Any,
        method: str,
        path: str,
        body: Any,
        headers: Any,
        rest: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """One call of `urlopen`, with all its retries and redirects."""
        call = None
        try:
            # What the program has given stays as it is.
            sent = _copied(pool.headers if headers is None else headers)
            call = self._begin(pool, method.upper(), path, body, sent)
        except Exception:
            say_failed()
        if call is None:
            return original(pool, method, path, body, headers, *rest, **options)
        try:
            if is_wanted():
                with set_ip_on_next_http_connection(call.span):
                    response = original(pool, method, path, body, sent, *rest, **options)
            else:
                response = original(pool, method, path, body, sent, *rest, **options)
        except BaseException as error:
            call.failed(error)
            call.finish()
            raise
        try:
            self._answered(call, pool, body, response)
        except Exception:
            say_failed()
        call.finish()
        return response

    def _begin(
        self, pool: Any, method: str, path: str, body: Any, headers: Any
    ) -> _native.ClientCall | None:
        url = _url(pool, path)
        if self.url_filter is not None:
            url = filtered(self.url_filter, url)
        server = (pool.scheme, pool.host, pool.port)
        if self.sends_at_once:
            return self.client.send(method, url, headers, None, None, server)
        call = self.client.begin(method, url, None, server)
        if call is not None:
            if self.captured_request:
                call.set_attributes(self.captured_request.attributes(headers))
            if self.request_hook is not None:
                from .urllib3_hooks import RequestInfo

                call.call_hook(self.request_hook, pool, RequestInfo(method, url, headers, body))
            call.sends(headers)
        return call

    def _answered(self, call: _native.ClientCall, pool: Any, body: Any, response: Any) -> None:
        call.answered(response.status, http_version(response))
        headers = response.headers
        length: int | None = 0
        # Where there is none, their `get` costs them an exception.
        if "Content-Length" in headers:
            length = _length(headers["Content-Length"])
        call.sized(0 if body is None else _size(body), length)
        if self.captures_response:
            call.set_attributes(self.captured_response.attributes(response.headers))
        if self.response_hook is not None:
            call.call_hook(self.response_hook, pool, response)


def _captures(arguments: dict[str, Any]) -> tuple[Capture, Capture]:
    found = captures(
        CLIENT_REQUEST, CLIENT_RESPONSE, sanitize_fields=arguments.get("sensitive_headers")
    )
    given = captures(
        "captured_request_headers",
        "captured_response_headers",
        arguments.get("captured_request_headers"),
        arguments.get("captured_response_headers"),
        arguments.get("sensitive_headers"),
    )
    return (
        given[0] if "captured_request_headers" in arguments else found[0],
        given[1] if "captured_response_headers" in arguments else found[1],
    )


def _url(pool: Any, path: str) -> str:
    if not path.startswith("/"):
        return path
    port = pool.port
    if not port or _DEFAULT_PORTS.get(pool.scheme) == port:
        return f"{pool.scheme}://{pool.host}{path}"
    return f"{pool.scheme}://{pool.host}:{port}{path}"


def _copied(headers: Any) -> Any:
    copy = getattr(headers, "copy", None)
    return dict(headers) if copy is None else copy()


def _size(body: object) -> int | None:
    if isinstance(body, Sized):
        return len(body)
    if isinstance(body, io.BytesIO):
        return body.getbuffer().nbytes
    return None


def _length(text: Any) -> int | None:
    try:
        return max(int(text), 0)
    except (TypeError, ValueError):
        return None


_instrumentation: _Instrumentation | None = None


def _patch(module: ModuleType) -> None:
    def urlopen(original: Callable[..., Any]) -> Callable[..., Any]:
        def urlopen(
            self: Any,
            method: Any,
            url: Any,
            body: Any = None,
            headers: Any = None,
            *rest: Any,
            **options: Any,
        ) -> Any:
            state = _instrumentation
            if (
                state is None
                or not (isinstance(method, str) and isinstance(url, str))
                or _native.is_http_suppressed()
            ):
                return original(self, method, url, body, headers, *rest, **options)
            return state.call(original, self, method, url, body, headers, rest, options)

        return urlopen

    _patches.wrap(module.HTTPConnectionPool, "urlopen", urlopen)


_patches = Patches({"urllib3.connectionpool": _patch})


@official("opentelemetry.instrumentation.urllib3")
class URLLib3Instrumentor(Instrumentor):
    """Instruments urllib3.

    `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `request_hook(span, pool, RequestInfo)`: called before the request is sent;
    - `response_hook(span, pool, HTTPResponse)`: called with the answer;
    - `url_filter(url)`: gives the URL that the span has;
    - `excluded_urls`: a text with commas, regular expressions of URLs that are not recorded;
      `OTEL_PYTHON_URLLIB3_EXCLUDED_URLS` if not given;
    - `captured_request_headers`, `captured_response_headers`, `sensitive_headers`: lists of regular
      expressions; `OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_…` if not given.

    What a hook raises is logged.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        global _instrumentation
        _instrumentation = _Instrumentation(kwargs)
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        global _instrumentation
        _instrumentation = None
        _patches.switch_off()


# What only hooks need.
__getattr__, __dir__ = incidental(__name__, {"oxitel.instrumentation.urllib3_hooks": "RequestInfo"})
