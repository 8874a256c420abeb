"""DjangoInstrumentor: traces and metrics of Django's requests, WSGI and ASGI.

Official name: `opentelemetry.instrumentation.django`. Nothing of Django is imported here; what
records requests is a middleware (`django_middleware.py`), which gets into the settings when Django
reads them (`django_handlers.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from logging import getLogger
from typing import Any

from oxitel.official_name import official
from oxitel.variables import http as variables

from .http.arguments import hook_of, say_unusable
from .http.excluded_urls import NOTHING_EXCLUDED, excluded_by
from .http.server import ServerInstruments
from .instrumentor import Instrumentor

_NAME = "opentelemetry.instrumentation.django"
_logger = getLogger(_NAME)

_instruments = ("django >= 2.0",)
_supports_metrics = True

_OFFICIAL = f"{_NAME}.middleware"


def _get_django_otel_middleware_position(
    middleware_length: int, default_middleware_position: Any = 0
) -> int:
    """Where in the list of middlewares ours goes, by the variable or else by the argument; the
    first place for what is no place."""
    position = variables.DJANGO_MIDDLEWARE_POSITION.read()
    if position is None:
        position = default_middleware_position
    try:
        position = int(position)
    except (TypeError, ValueError):
        say_unusable("middleware_position", position, "a number", "0")
        return 0
    return position if 0 <= position <= middleware_length else 0


@official("opentelemetry.instrumentation.django")
class DjangoInstrumentor(Instrumentor):
    """Instruments Django, handlers that exist already too.

    `instrument` takes these keyword arguments:

    - `request_hook(span, request)` and `response_hook(span, request, response)`;
    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `excluded_urls`: regular expressions with commas between them, found in URLs of which nothing
      is recorded; `OTEL_PYTHON_DJANGO_EXCLUDED_URLS` if not given;
    - `is_sql_commentor_enabled`: whether statements of SQL get comments that say which request they
      belong to;
    - `middleware_position`: where in the settings' list of middlewares ours goes, 0 if not given;
      `OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION` wins.

    What a hook raises is logged. With `OTEL_PYTHON_DJANGO_INSTRUMENT=False` nothing is done.
    """

    _opentelemetry_middleware = f"{_OFFICIAL}.otel_middleware._DjangoMiddleware"
    _sql_commenter_middleware = f"{_OFFICIAL}.sqlcommenter_middleware.SqlCommenter"

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        if variables.DJANGO_INSTRUMENT.text() == "False":
            return
        from . import django_handlers

        instruments = ServerInstruments(
            _NAME, kwargs.get("tracer_provider"), kwargs.get("meter_provider")
        )
        configuration = {
            "_instruments": instruments,
            "_excluded_urls": excluded_by(kwargs.get("excluded_urls"), "DJANGO")
            or NOTHING_EXCLUDED,
            "_otel_request_hook": hook_of(kwargs, "request_hook"),
            "_otel_response_hook": hook_of(kwargs, "response_hook"),
        }
        django_handlers.switch_on(
            configuration,
            bool(kwargs.get("is_sql_commentor_enabled")),
            lambda length: _get_django_otel_middleware_position(
                length, kwargs.get("middleware_position", 0)
            ),
        )

    def _uninstrument(self, **kwargs: Any) -> None:
        from . import django_handlers

        django_handlers.switch_off()
