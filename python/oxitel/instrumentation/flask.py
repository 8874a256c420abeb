"""FlaskInstrumentor: traces and metrics of Flask applications, those that exist already too.

Official name: `opentelemetry.instrumentation.flask`.

A request begins in `Flask.wsgi_app`, patched on the class: whatever is put around it, before or
after, stays outside. Flask has matched the URL when `full_dispatch_request` is called; there the
span gets its route and its name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from logging import getLogger
from types import ModuleType
from typing import Any
from weakref import WeakSet

from oxitel import _native
from oxitel.official_name import official

from .conventions import http_conventions
from .http.arguments import hook_of, say_unusable
from .http.excluded_urls import ExcludeList, excluded_by
from .http.server import ServerInstruments
from .http.values import sanitize_method
from .instrumentor import Instrumentor
from .patching import Patches
from .wsgi import wsgi_captures
from .wsgi_attributes import (
    default_response_propagation_setter,
    get_default_span_name as _name_by_path,
    wsgi_getter,
)

_NAME = "opentelemetry.instrumentation.flask"
_logger = getLogger(_NAME)

_instruments = ("flask >= 1.0",)
_supports_metrics = True
_semconv_status = "migration"

_ENVIRON_STARTTIME_KEY = "opentelemetry-flask.starttime_key"
_ENVIRON_SPAN_KEY = "opentelemetry-flask.span_key"
_ENVIRON_ACTIVATION_KEY = "opentelemetry-flask.activation_key"
_ENVIRON_REQCTX_REF_KEY = "opentelemetry-flask.reqctx_ref_key"
_ENVIRON_TOKEN = "opentelemetry-flask.token"
_REQUEST_KEY = "oxitel.flask.request"
_COMMENTER_KEY = "SQLCOMMENTER_ORM_TAGS_AND_VALUES"

_FLAG = "_is_instrumented_by_opentelemetry"
_SLOT = "_oxitel_instrumentation"
# In the slot of an application that `instrument()` is not for.
_LEFT_ALONE = False

Environ = dict[str, Any]
Hook = Callable[..., Any]


class _Instrumentation:
    """What the requests of one application, or of all, are recorded with."""

    def __init__(
        self,
        request_hook: Hook | None,
        response_hook: Hook | None,
        tracer_provider: Any,
        meter_provider: Any,
        excluded: ExcludeList | None,
        commenter: Callable[[Any, dict[str, Any]], None] | None,
    ) -> None:
        self.request_hook = request_hook
        self.excluded = excluded
        self.commenter = commenter
        conventions = http_conventions()
        unit: dict[str, Any] = {}
        if not conventions.new:
            unit = {
                "active_unit": "requests",
                "active_description": "Measures the number of concurrent HTTP requests that are"
                " currently in-flight.",
            }
        self.server = ServerInstruments(_NAME, tracer_provider, meter_provider, **unit).native(
            getter=wsgi_getter,
            request_hook=None,
            response_hook=None if response_hook is None else _without_environ(response_hook),
            captures=wsgi_captures,
            response_setter=default_response_propagation_setter,
            request_key=_REQUEST_KEY,
            span_key=_ENVIRON_SPAN_KEY,
            notes_key=None if commenter is None else _COMMENTER_KEY,
            counts_excluded=True,
            find_route=_route,
        )
        self.call_wsgi = self.server.call_wsgi

    def call(self, app: Any, wsgi_app: Any, environ: Environ, start_response: Any) -> Any:
        """One request; `wsgi_app`, which takes the application first, is its inner part."""
        if self.excluded is not None and self.excluded.url_disabled(_url(app, environ)):
            inner = wsgi_app.__get__(app)
            return self.server.call_wsgi_excluded(inner, environ, start_response)
        return self.call_wsgi(wsgi_app, environ, start_response, app)

    def routed(self, request: _native.ServerRequest, flask_request: Any) -> None:
        """Flask has matched the URL."""
        rule = flask_request.url_rule
        notes = request.notes if rule is None else request.routed_to(rule.rule)
        if self.request_hook is not None:
            request.call_hook(self.request_hook, flask_request.environ)
        if notes is not None and self.commenter is not None:
            self.commenter(flask_request, notes)


def _without_environ(hook: Hook) -> Hook:
    return lambda span, environ, status, headers: hook(span, status, headers)


def _url(app: Any, environ: Environ) -> str:
    try:
        return str(app.request_class(environ).url)
    except Exception:
        # What Flask cannot read either; it answers for itself.
        return ""


def _route(app: Any, environ: Environ) -> str | None:
    """The route, looked up for a sampler that wants to see it before Flask does."""
    try:
        rule, _ = app.create_url_adapter(app.request_class(environ)).match(return_rule=True)
    except Exception:
        return None
    return str(rule.rule)


@cache
def _framework() -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"flask:{version('flask')}"
    except PackageNotFoundError:
        # Copied into the program, without its metadata.
        return None


def _commenter(enabled: Any, options: Any) -> Callable[[Any, dict[str, Any]], None] | None:
    """What statements of SQL are told of a request, for instrumentations that comment them."""
    if not enabled:
        return None
    if options is None:
        options = {}
    if not isinstance(options, dict):
        say_unusable("commenter_options", options, "a dict", "no options")
        options = {}
    has_framework = bool(options.get("framework", True))
    has_controller = bool(options.get("controller", True))
    has_route = bool(options.get("route", True))

    def note(request: Any, found: dict[str, Any]) -> None:
        # To read the version takes as long as all of `instrument()`, which seldom needs it.
        if has_framework and (framework := _framework()) is not None:
            found["framework"] = framework
        rule = request.url_rule
        if rule is not None:
            if has_controller and rule.endpoint:
                found["controller"] = rule.endpoint
            if has_route and rule.rule:
                found["route"] = rule.rule

    return note


_for_all: _Instrumentation | None = None
_marked: WeakSet[Any] = WeakSet()
"""The applications that say of themselves that `instrument()` has instrumented them."""
_instrumented_apps: WeakSet[Any] = WeakSet()


def _common_instrumentation(app: Any) -> _Instrumentation | None:
    """What an application without one of its own is recorded with."""
    if _for_all is None or app.__dict__.get(_SLOT) is _LEFT_ALONE:
        return None
    # Somebody else has instrumented it, or wants it left alone.
    if getattr(app, _FLAG, False) and app not in _marked:
        return None
    return _for_all


def _mark(app: Any) -> None:
    if _for_all is not None and not getattr(app, _FLAG, False):
        setattr(app, _FLAG, True)
        _marked.add(app)


def _patch(module: ModuleType) -> None:
    request_of = _request_of(module)

    def init(original: Any) -> Any:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            _mark(self)

        return __init__

    def call(original: Any) -> Any:
        # Of an application whose `wsgi_app` was wrapped before the class was patched, the wrapped
        # method is not the patched one: its requests begin here.
        def __call__(self: Any, environ: Environ, start_response: Any) -> Any:
            if "wsgi_app" not in self.__dict__ or not _is_passed_by(self.wsgi_app):
                return original(self, environ, start_response)
            instrumentation = self.__dict__.get(_SLOT) or _common_instrumentation(self)
            if instrumentation is None:
                return original(self, environ, start_response)
            return instrumentation.call(self, _unbound(self.wsgi_app), environ, start_response)

        return __call__

    def wsgi_app(original: Any) -> Any:
        def wsgi_app(self: Any, environ: Environ, start_response: Any) -> Any:
            instrumentation = self.__dict__.get(_SLOT) or _common_instrumentation(self)
            if instrumentation is None:
                return original(self, environ, start_response)
            if instrumentation.excluded is None:
                return instrumentation.call_wsgi(original, environ, start_response, self)
            return instrumentation.call(self, original, environ, start_response)

        return wsgi_app

    def full_dispatch_request(original: Any) -> Any:
        def full_dispatch_request(self: Any, *args: Any) -> Any:
            instrumentation = self.__dict__.get(_SLOT) or _common_instrumentation(self)
            request = None
            if instrumentation is not None:
                try:
                    flask_request = request_of(args)
                    request = flask_request.environ.get(_REQUEST_KEY)
                    if request is not None:
                        instrumentation.routed(request, flask_request)
                except Exception:
                    _logger.exception("Failed to note the route of a request")
            response = original(self, *args)
            if request is not None:
                _complete(request, response)
            return response

        return full_dispatch_request

    def handle_exception(original: Any) -> Any:
        def handle_exception(self: Any, *args: Any) -> Any:
            request = None
            if self.__dict__.get(_SLOT) or _common_instrumentation(self):
                try:
                    request = request_of(args[:-1]).environ.get(_REQUEST_KEY)
                    if request is not None:
                        request.failed(args[-1])
                except Exception:
                    _logger.debug("Failed to note an exception", exc_info=True)
            response = original(self, *args)
            if request is not None:
                _complete(request, response)
            return response

        return handle_exception

    flask_class = module.Flask
    _patches.wrap(flask_class, "__init__", init)
    _patches.wrap(flask_class, "__call__", call)
    _patches.wrap(flask_class, "wsgi_app", wsgi_app)
    _patches.wrap(flask_class, "full_dispatch_request", full_dispatch_request)
    _patches.wrap(flask_class, "handle_exception", handle_exception)


def _unbound(wsgi_app: Callable[..., Any]) -> Callable[..., Any]:
    def call(app: Any, environ: Environ, start_response: Any) -> Any:
        return wsgi_app(environ, start_response)

    return call


def _complete(request: _native.ServerRequest, response: Any) -> None:
    """An answer that is not streamed ends its request, whatever the server does with it."""
    body = getattr(response, "response", None)
    kind = type(body)
    if (
        kind is list
        or kind is tuple
        # What Werkzeug makes of an exception.
        or (kind.__name__ == "ClosingIterator" and "Content-Length" in response.headers)
    ):
        request.completed()


def _request_of(module: ModuleType) -> Callable[[tuple[Any, ...]], Any]:
    """From the arguments of a method, and the current context, to Flask's request."""
    variable = getattr(module.globals, "_cv_request", None)
    if variable is not None:
        return lambda args: variable.get().request
    if hasattr(module.globals, "_cv_app"):
        return lambda args: args[0].request
    return lambda args: module._request_ctx_stack.top.request


_passed_by: dict[int, tuple[Any, bool]] = {}


def _is_passed_by(wrapped: Any) -> bool:
    """Whether what stands in the place of a `wsgi_app` leads past the patched one."""
    found = _passed_by.get(id(wrapped))
    if found is None or found[0] is not wrapped:
        found = _passed_by[id(wrapped)] = (wrapped, not _leads_to_patched(wrapped, 0))
    return found[1]


def _leads_to_patched(wrapped: Any, depth: int) -> bool:
    function = getattr(wrapped, "__func__", wrapped)
    if _patches.is_wrapper(function):
        return True
    if depth > 20:
        return False
    inner = list(getattr(wrapped, "__dict__", {}).values())
    for cell in getattr(function, "__closure__", None) or ():
        try:
            inner.append(cell.cell_contents)
        except ValueError:
            pass
    return any(
        _leads_to_patched(part, depth + 1)
        for part in inner
        if callable(part) and not isinstance(part, type)
    )


_patches = Patches({"flask": _patch})


@official("opentelemetry.instrumentation.flask")
class FlaskInstrumentor(Instrumentor):
    """Instruments Flask.

    `instrument` takes these keyword arguments:

    - `request_hook(span, environ)`: called when Flask has matched the URL;
    - `response_hook(span, status, response_headers)`: called with what is answered;
    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `excluded_urls`: regular expressions with commas between them, found in URLs of which nothing
      is recorded; `OTEL_PYTHON_FLASK_EXCLUDED_URLS` if not given;
    - `enable_commenter`, `commenter_options`: whether, and which of `framework`, `controller` and
      `route`, instrumentations of databases may add to statements as comments.

    What a hook raises is logged.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        global _for_all
        _for_all = _Instrumentation(
            hook_of(kwargs, "request_hook"),
            hook_of(kwargs, "response_hook"),
            kwargs.get("tracer_provider"),
            kwargs.get("meter_provider"),
            excluded_by(kwargs.get("excluded_urls"), "FLASK"),
            _commenter(kwargs.get("enable_commenter", True), kwargs.get("commenter_options")),
        )
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        global _for_all
        _for_all = None
        for app in list(_marked):
            setattr(app, _FLAG, False)
        _marked.clear()
        if not _instrumented_apps:
            _patches.switch_off()

    @staticmethod
    def instrument_app(
        app: Any,
        request_hook: Hook | None = None,
        response_hook: Hook | None = None,
        tracer_provider: Any = None,
        excluded_urls: str | None = None,
        enable_commenter: bool = True,
        commenter_options: dict[str, Any] | None = None,
        meter_provider: Any = None,
    ) -> None:
        """Instrument one application; the arguments are those of `instrument`."""
        if getattr(app, _FLAG, False):
            _logger.warning("Attempting to instrument Flask app while already instrumented")
            return
        hooks = {"request_hook": request_hook, "response_hook": response_hook}
        instrumentation = _Instrumentation(
            hook_of(hooks, "request_hook"),
            hook_of(hooks, "response_hook"),
            tracer_provider,
            meter_provider,
            excluded_by(excluded_urls, "FLASK"),
            _commenter(enable_commenter, commenter_options),
        )
        setattr(app, _SLOT, instrumentation)
        setattr(app, _FLAG, True)
        _instrumented_apps.add(app)
        _patches.switch_on()

    @staticmethod
    def uninstrument_app(app: Any) -> None:
        if not getattr(app, _FLAG, False) and (
            _for_all is None or app.__dict__.get(_SLOT) is not None
        ):
            _logger.warning("Attempting to uninstrument Flask app while already uninstrumented")
            return
        setattr(app, _FLAG, False)
        _instrumented_apps.discard(app)
        _marked.discard(app)
        # `instrument()` goes on for the others.
        setattr(app, _SLOT, None if _for_all is None else _LEFT_ALONE)
        if _for_all is None and not _instrumented_apps:
            _patches.switch_off()


def get_default_span_name() -> str:
    """Method and route of the current request, its path where it has no route."""
    import flask

    environ = flask.request.environ
    rule = flask.request.url_rule
    if rule is None:
        return _name_by_path(environ)
    method = sanitize_method(environ.get("REQUEST_METHOD", "").strip())
    return f"{'HTTP' if method == '_OTHER' else method} {rule.rule}"
