"""Official path of oxitel.instrumentation.django."""

from typing import Any

from oxitel.instrumentation.django import (
    DjangoInstrumentor as DjangoInstrumentor,
    _get_django_otel_middleware_position as _get_django_otel_middleware_position,
)
from oxitel.instrumentation.http.excluded_urls import get_excluded_urls
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

_excluded_urls_from_env = get_excluded_urls("DJANGO")
_is_oxitel = True


def __getattr__(name: str) -> Any:
    if name != "_DjangoMiddleware":
        raise AttributeError(name)
    # What needs Django imported.
    from oxitel.instrumentation.django_middleware import _DjangoMiddleware

    return _DjangoMiddleware
