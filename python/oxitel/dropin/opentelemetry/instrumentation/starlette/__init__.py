"""Official path of oxitel.instrumentation.starlette."""

from typing import Any

from oxitel.instrumentation.http.excluded_urls import get_excluded_urls
from oxitel.instrumentation.starlette import (
    StarletteInstrumentor as StarletteInstrumentor,
    _get_default_span_details as _get_default_span_details,
    _get_route_details as _get_route_details,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

_excluded_urls = get_excluded_urls("STARLETTE")


def __getattr__(name: str) -> Any:
    if name != "_InstrumentedStarlette":
        raise AttributeError(name)
    # The class that is officially replaced stays what it is.
    from starlette.applications import Starlette

    return Starlette
