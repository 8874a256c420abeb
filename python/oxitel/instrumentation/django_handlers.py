"""Gets our middleware into Django: into the settings, before a handler reads them, and around the
middlewares of handlers that have read them already.

Settings are read when Django needs them, not when the instrumentation is switched on: the module
that has them may not be importable, or not be complete, yet.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from importlib import import_module
from logging import getLogger
from types import ModuleType
from typing import Any

from .patching import Patches

_logger = getLogger("opentelemetry.instrumentation.django")
_HAS_OURS = "_oxitel_has_middleware"
_UID = "oxitel"
_OWN = "oxitel.instrumentation.django_middleware._DjangoMiddleware"
_OWN_COMMENTER = "oxitel.instrumentation.django_sqlcommenter.SqlCommenter"


class _Wanted:
    """What `instrument` asked for."""

    def __init__(
        self, configuration: dict[str, Any], is_commenting: bool, position: Callable[[int], int]
    ) -> None:
        self.configuration = configuration
        self.is_commenting = is_commenting
        self.position = position


_wanted: _Wanted | None = None


def switch_on(
    configuration: dict[str, Any], is_commenting: bool, position: Callable[[int], int]
) -> None:
    global _wanted
    _wanted = _Wanted(configuration, is_commenting, position)
    _patches.switch_on()


def switch_off() -> None:
    global _wanted
    _wanted = None
    _patches.switch_off()
    if "oxitel.instrumentation.django_middleware" not in sys.modules:
        return
    from django.core.signals import got_request_exception

    from .django_middleware import _DjangoMiddleware

    got_request_exception.disconnect(dispatch_uid=_UID)
    _DjangoMiddleware._configure(None)
    settings = _settings()
    if settings is not None:
        names = _names()
        _set(settings, [name for name in settings.MIDDLEWARE if name not in names])


def _settings() -> Any:
    """Django's settings, None where they have not been read."""
    module = sys.modules.get("django.conf")
    return module.settings if module is not None and module.settings.configured else None


def _names() -> list[str]:
    """What ours can be called in the settings: officially, where that is us, and else by itself."""
    from .django import DjangoInstrumentor

    return [
        DjangoInstrumentor._opentelemetry_middleware,
        DjangoInstrumentor._sql_commenter_middleware,
        _OWN,
        _OWN_COMMENTER,
    ]


def _name(official: str, own: str) -> str:
    """The official name of a class, unless somebody else's stands there."""
    from .django import _NAME

    try:
        package = import_module(_NAME)
    except ImportError:
        return own
    return official if getattr(package, "_is_oxitel", False) else own


def _set(settings: Any, middlewares: list[str]) -> None:
    present = settings.MIDDLEWARE
    if isinstance(present, list):
        present[:] = middlewares
        middlewares = present
    settings.MIDDLEWARE = middlewares


def _insert(settings: Any, wanted: _Wanted) -> None:
    present = list(settings.MIDDLEWARE)
    middleware, commenter, own, own_commenter = _names()
    added = []
    if middleware not in present and own not in present:
        added.append(_name(middleware, own))
    if wanted.is_commenting and commenter not in present and own_commenter not in present:
        added.append(_name(commenter, own_commenter))
    if added:
        place = wanted.position(len(present))
        _set(settings, [*present[:place], *added, *present[place:]])


def _has_ours(settings: Any) -> bool:
    middleware, _, own, _ = _names()
    return middleware in settings.MIDDLEWARE or own in settings.MIDDLEWARE


def _note_exception(request: Any = None, **_: Any) -> None:
    """What a middleware raises, which nothing else is told of."""
    from .django_middleware import keep_exception

    error = sys.exc_info()[1]
    if request is not None and isinstance(error, Exception):
        keep_exception(request, error)


def _patch(module: ModuleType) -> None:
    from django.conf import settings
    from django.core.signals import got_request_exception

    from .django_middleware import _DjangoMiddleware

    wanted = _wanted
    if wanted is None:
        return
    _DjangoMiddleware._configure(wanted.configuration)
    got_request_exception.connect(_note_exception, weak=False, dispatch_uid=_UID)

    def load_middleware(original: Any) -> Any:
        def load_middleware(handler: Any, *args: Any, **kwargs: Any) -> None:
            if _wanted is None:
                return original(handler, *args, **kwargs)
            has_ours = False
            try:
                _insert(settings, _wanted)
                has_ours = _has_ours(settings)
            except Exception:
                _logger.exception("Failed to add a middleware to Django's settings")
            original(handler, *args, **kwargs)
            setattr(handler, _HAS_OURS, has_ours)

        return load_middleware

    _patches.wrap(module.BaseHandler, "load_middleware", load_middleware)
    if settings.configured:
        _insert(settings, wanted)
    # Handlers that have been made, as that in a `wsgi.py` which is being imported.
    for handler in [o for o in gc.get_objects() if issubclass(type(o), module.BaseHandler)]:
        chain = getattr(handler, "_middleware_chain", None)
        if chain is None or isinstance(chain, _DjangoMiddleware):
            continue
        if not getattr(handler, _HAS_OURS, False):
            handler._middleware_chain = _DjangoMiddleware(chain)


_patches = Patches({"django.core.handlers.base": _patch})
