"""Official path of oxitel.instrumentation.fastapi."""

from typing import Any

from oxitel.instrumentation.fastapi import (
    FastAPIInstrumentor as FastAPIInstrumentor,
    _flatten_routes as _flatten_routes,
    _get_default_span_details as _get_default_span_details,
    _get_route_details as _get_route_details,
)
from oxitel.instrumentation.http.excluded_urls import get_excluded_urls
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

_excluded_urls_from_env = get_excluded_urls("FASTAPI")


def __getattr__(name: str) -> Any:
    if name == "iter_route_contexts":
        from fastapi import routing

        return getattr(routing, name, None)
    if name != "_InstrumentedFastAPI":
        raise AttributeError(name)
    # The class that is officially replaced stays what it is.
    from fastapi import FastAPI

    return FastAPI
