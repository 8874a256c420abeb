"""Applications of Starlette, and of what is derived from it: our middleware around their stacks.

An application builds its stack from its middlewares when the first request comes, in a method
that is patched on the class. What each application is recorded with is kept beside it, not in it:
it can still be copied and pickled.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from logging import getLogger
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from oxitel import _native

from .asgi import REQUEST_KEY, OpenTelemetryMiddleware, Receive, Scope, Send
from .http.values import sanitize_method
from .patching import Patches

_logger = getLogger("opentelemetry.instrumentation.starlette")
_FLAG = "_is_instrumented_by_opentelemetry"
# The process in which it was instrumented.
_OWNER = "_oxitel_instrumented_in"
# By which `starlette.middleware.opentelemetry` knows that a request is taken care of.
_STARLETTES_OWN = "starlette.opentelemetry"

Build = Callable[[Any], OpenTelemetryMiddleware]


class Applications:
    """The instrumented applications of one framework. `is_one` tells those of a class derived from
    it that another framework takes care of."""

    def __init__(self, is_one: Callable[[Any], bool] = lambda app: True) -> None:
        self._is_one = is_one
        self._own: WeakKeyDictionary[Any, Build] = WeakKeyDictionary()
        self._left_alone: WeakSet[Any] = WeakSet()
        self.marked: WeakSet[Any] = WeakSet()
        self.for_all: Build | None = None

    def patch(self, patches: Patches, application_class: Any) -> None:
        """Have applications of the class marked when they are made, and our middleware put around
        their stacks."""

        def init(original: Any) -> Any:
            def __init__(app: Any, /, *args: Any, **kwargs: Any) -> None:
                original(app, *args, **kwargs)
                self.mark(app)

            return __init__

        def build_middleware_stack(original: Any) -> Any:
            def build_middleware_stack(app: Any) -> Any:
                stack = original(app)
                build = self.build_of(app)
                return stack if build is None else around(stack, build)

            return build_middleware_stack

        patches.wrap(application_class, "__init__", init)
        patches.wrap(application_class, "build_middleware_stack", build_middleware_stack)

    def build_of(self, app: Any) -> Build | None:
        own = self._own.get(app)
        if own is not None:
            return own
        if self.for_all is None or app in self._left_alone or not self._is_one(app):
            return None
        if getattr(app, _FLAG, False) and app not in self.marked and not is_copy(app):
            # Somebody else has instrumented it, or wants it left alone.
            return None
        self.mark(app)
        return self.for_all

    def mark(self, app: Any) -> None:
        if self.for_all is None or not self._is_one(app):
            return
        if not getattr(app, _FLAG, False) or is_copy(app):
            setattr(app, _FLAG, True)
            setattr(app, _OWNER, os.getpid())
            self.marked.add(app)

    def instrument(self, app: Any, build: Build) -> None:
        self._own[app] = build
        self._left_alone.discard(app)
        setattr(app, _FLAG, True)
        setattr(app, _OWNER, os.getpid())
        rebuild(app)

    def uninstrument(self, app: Any) -> None:
        self._own.pop(app, None)
        self.marked.discard(app)
        self._left_alone.add(app)
        setattr(app, _FLAG, False)
        rebuild(app)

    def instrument_all(self, build: Build, application_class: Any) -> None:
        self.for_all = build
        self._left_alone.clear()
        if application_class is None:
            return
        # Those that exist already, and have their stacks.
        for app in [o for o in gc.get_objects() if issubclass(type(o), application_class)]:
            if self._is_one(app) and (not getattr(app, _FLAG, False) or is_copy(app)):
                self.mark(app)
                rebuild(app)

    def uninstrument_all(self) -> None:
        self.for_all = None
        for app in [*self._own, *self.marked]:
            self._own.pop(app, None)
            setattr(app, _FLAG, False)
            rebuild(app)
        self.marked.clear()
        self._left_alone.clear()

    def __bool__(self) -> bool:
        return self.for_all is not None or bool(self._own)


def is_copy(app: Any) -> bool:
    """Whether it was instrumented in another process and has come from there."""
    owner = app.__dict__.get(_OWNER)
    return owner is not None and owner != os.getpid()


def rebuild(app: Any) -> None:
    """Have an application that has its stack already build it again."""
    if getattr(app, "middleware_stack", None) is not None:
        app.middleware_stack = app.build_middleware_stack()


def around(stack: Any, build: Build) -> Any:
    """The middleware around `stack`; what the application raises is noted inside of what makes an
    answer of it."""
    from starlette.middleware.errors import ServerErrorMiddleware

    if isinstance(stack, ServerErrorMiddleware):
        stack.app = _Exceptions(stack.app)  # type: ignore[assignment]
    return build(stack)


class _Exceptions:
    """Notes what the application raises on the span of its request, and has Starlette's own
    middleware leave that request to us."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_STARLETTES_OWN] = True
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            request = scope.get(REQUEST_KEY)
            if request is not None:
                request.failed(error)
            raise


def route_of(scope: Scope) -> str | None:
    """The pattern of the route that was taken, with those of the routers and mounts around it."""
    route = scope.get("route")
    holder, key = _ROUTE_CONTEXT
    context = scope.get(holder, _NONE).get(key)
    path = getattr(route if context is None else context, "path", None)
    if path is None and route is not None:
        # A route by host has no path of its own.
        return scope.get("path")
    root = scope.get("root_path", "")
    outer = scope.get("app_root_path")
    if outer is not None and root != outer:
        prefix = root[len(outer) :] if root.startswith(outer) else root
        # The route of a mount is in the scope until something in it has matched; early versions of
        # Starlette leave no routes there.
        return prefix if not path or prefix == path else prefix + path
    return None if path is None else str(path)


# Where FastAPI has the route of a router in a router.
_ROUTE_CONTEXT = ("fastapi", "effective_route_context")
_NONE: dict[str, Any] = {}
_USUAL = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])


def _itself(app: Any) -> Any:
    return app


class FrameworkMiddleware(OpenTelemetryMiddleware):
    """The middleware of an application that leaves its route in the scope."""

    _normalises_methods = True
    _route_context = _ROUTE_CONTEXT

    def __reduce__(self) -> Any:
        # What a pickled application takes along is its own.
        return _itself, (self.app,)

    def _details(self, scope: Scope) -> tuple[str | None, dict[str, Any] | None]:
        if self._span_details is not None and self._server.has_python_sampler:
            return super()._details(scope)
        method = scope.get("method")
        return (method if method in _USUAL else self._method_of(scope)), None

    def _method_of(self, scope: Scope) -> str:
        method = scope.get("method", "")
        if method in _USUAL or not self._normalises_methods:
            return method
        method = sanitize_method(method.strip())
        return "HTTP" if method == "_OTHER" else method

    def _note_route(self, request: _native.ServerRequest, scope: Scope, is_answer: bool) -> None:
        route = route_of(scope)
        if route is None and is_answer and request.route is None and "app" in scope:
            # Answered before the router was asked, by a middleware for example.
            try:
                route = self.default_span_details(scope)[1].get("http.route")
            except Exception:
                _logger.debug("Failed to look for a route", exc_info=True)
        if route is None or route == request.route:
            return
        if scope.get("method") in _USUAL:
            request.routed_to(route)
        else:
            method = self._method_of(scope)
            request.routed(f"{method} {route}" if method else route, route)


# As the base: FastAPI looks for this name in the stack, to leave the spans to us.
FrameworkMiddleware.__module__ = OpenTelemetryMiddleware.__module__
FrameworkMiddleware.__name__ = OpenTelemetryMiddleware.__name__
