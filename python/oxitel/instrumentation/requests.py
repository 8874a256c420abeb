"""RequestsInstrumentor: traces and metrics of the requests that Requests makes.

Official name: `opentelemetry.instrumentation.requests`. `Session.send` is patched, which calls
itself for each redirect: one span for all, which ends when the headers of the answer are there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from types import MethodType, ModuleType
from typing import Any

from oxitel import _native
from oxitel.official_name import official

from .http.arguments import hook_of, say_unusable
from .http.client import REQUEST_MILLIS, ClientInstruments, http_version, say_failed
from .http.excluded_urls import excluded_by
from .http.headers import CLIENT_REQUEST, CLIENT_RESPONSE, captures
from .http.peer_address import is_wanted, set_ip_on_next_http_connection, when_wanted
from .http.server import REQUEST_SECONDS
from .instrumentor import Instrumentor
from .patching import Patches

_NAME = "opentelemetry.instrumentation.requests"
_APPLIED = "opentelemetry_instrumentation_requests_applied"

_instruments = ("requests ~= 2.0",)
_supports_metrics = True
_semconv_status = "migration"


class _Instrumentation:
    """What all calls are recorded with."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.request_hook = hook_of(arguments, "request_hook")
        self.response_hook = hook_of(arguments, "response_hook")
        buckets = _boundaries(arguments.get("duration_histogram_boundaries"))
        self.client = ClientInstruments(
            _NAME,
            arguments.get("tracer_provider"),
            arguments.get("meter_provider"),
            old_buckets=buckets or REQUEST_MILLIS,
            new_buckets=buckets or REQUEST_SECONDS,
        ).native(
            excluded_by(arguments.get("excluded_urls"), "REQUESTS"),
            suppresses=True,
            peer_on_span=True,
            header_layout="lower-cased",
        )
        self.captured_request, self.captured_response = captures(CLIENT_REQUEST, CLIENT_RESPONSE)
        # Whether nothing of the program's has to do with a call but the sending.
        hooks = (self.request_hook, self.response_hook)
        captures_any = self.captured_request or self.captured_response
        self.is_plain = not captures_any and hooks == (None, None)

    def begin(self, request: Any) -> _native.ClientCall | None:
        """A call of `send`, with all its redirects."""
        headers = request.headers
        if headers is None:
            from requests.structures import CaseInsensitiveDict

            headers = request.headers = CaseInsensitiveDict()
        call = self.client.begin(request.method, request.url, headers.get("User-Agent"))
        if call is not None:
            if self.captured_request:
                call.set_attributes(self.captured_request.attributes(headers))
            if self.request_hook is not None:
                call.call_hook(self.request_hook, request)
            call.sends(headers)
        return call

    def answered(self, call: _native.ClientCall, request: Any, response: Any) -> None:
        """There is an answer."""
        try:
            call.answered(response.status_code, http_version(response.raw))
            if self.captured_response:
                call.set_attributes(self.captured_response.attributes(response.headers))
            if self.response_hook is not None:
                call.call_hook(self.response_hook, request, response)
        except Exception:
            say_failed()


def _boundaries(given: Any) -> Sequence[float] | None:
    if given is None:
        return None
    try:
        return [float(boundary) for boundary in given]
    except (TypeError, ValueError):
        say_unusable("duration_histogram_boundaries", given, "numbers", "the usual ones")
        return None


_instrumentation: _Instrumentation | None = None


def _failed(call: _native.ClientCall, request: Any, error: BaseException) -> None:
    """There is an exception in place of an answer."""
    # Too many redirects, for example: the last answer is in the exception.
    try:
        answer = getattr(error, "response", None)
        state = _instrumentation
        if state is not None and answer is not None and hasattr(answer, "status_code"):
            state.answered(call, request, answer)
    except Exception:
        say_failed()
    call.failed(error)


# Sends the requests with which nothing of the program's has to do, if the class of their headers is
# seen to keep them as native code writes them.
_method: _native.ClientMethod | None = None
_are_known_headers = False


def _choose() -> None:
    """Have native code record what it can."""
    if _method is None:
        return
    state = _instrumentation
    if state is not None and state.is_plain and _are_known_headers and not is_wanted():
        _method.switch_on(state.client)
    else:
        _method.switch_off()


when_wanted(_choose)


def _look_at(headers: Any) -> bool:
    """Whether the class keeps pairs of a name and a value by the name in lower case."""
    try:
        seen = headers()
        seen["A-Name"] = "value"
        return isinstance(seen._store, dict) and [*seen._store.items()] == [
            ("a-name", ("A-Name", "value"))
        ]
    except Exception:
        return False


def _layout(module: ModuleType) -> dict[str, Any]:
    return {
        "request": module.PreparedRequest,
        "url": None,
        "headers": module.CaseInsensitiveDict,
        "fields": "_store",
        "encoding": None,
        "reads_user_agent": True,
        "status": "status_code",
        "version": ("raw", "version"),
    }


def _patch(module: ModuleType) -> None:
    global _are_known_headers
    prepared_request = module.PreparedRequest
    _are_known_headers = _look_at(module.CaseInsensitiveDict)

    # A parameter with a name would be compared with the name of each option, in every call.
    def send(original: Callable[..., Any], /, *arguments: Any, **kwargs: Any) -> Any:
        state = _instrumentation
        request = arguments[1] if len(arguments) > 1 else kwargs.get("request")
        if state is None or not isinstance(request, prepared_request):
            return original(*arguments, **kwargs)
        call = None
        try:
            call = state.begin(request)
        except Exception:
            say_failed()
        if call is None:
            return original(*arguments, **kwargs)
        try:
            if is_wanted():
                with set_ip_on_next_http_connection(call.span):
                    response = original(*arguments, **kwargs)
            else:
                response = original(*arguments, **kwargs)
        except BaseException as error:
            _failed(call, request, error)
            call.finish()
            raise
        state.answered(call, request, response)
        call.finish()
        return response

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        global _method
        _method = _native.ClientMethod.around(original, send, _layout(module), failed=_failed)
        setattr(_method, _APPLIED, True)
        return _method

    _patches.wrap(module.Session, "send", make)
    _choose()


_patches = Patches({"requests.sessions": _patch})


@official("opentelemetry.instrumentation.requests")
class RequestsInstrumentor(Instrumentor):
    """Instruments Requests.

    `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `request_hook(span, PreparedRequest)`: called before the request is sent;
    - `response_hook(span, PreparedRequest, Response)`: called with the answer;
    - `excluded_urls`: a text with commas, regular expressions of URLs that are not recorded;
      `OTEL_PYTHON_REQUESTS_EXCLUDED_URLS` if not given;
    - `duration_histogram_boundaries`: the buckets of the duration, in milliseconds for the old
      conventions and in seconds for the new ones.

    What a hook raises is logged.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        global _instrumentation
        _instrumentation = _Instrumentation(kwargs)
        _patches.switch_on()
        _choose()

    def _uninstrument(self, **kwargs: Any) -> None:
        global _instrumentation
        _instrumentation = None
        _patches.switch_off()
        _choose()

    @staticmethod
    def uninstrument_session(session: Any) -> None:
        """Record nothing more of what this session sends."""
        if getattr(session.send, _APPLIED, False):
            session.send = MethodType(session.send.__wrapped__, session)


def get_default_span_name(method: str) -> str:
    """The name of the span of a request, by its normalised method."""
    return "HTTP" if method == "_OTHER" else method
