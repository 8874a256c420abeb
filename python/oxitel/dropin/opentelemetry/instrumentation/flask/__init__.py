"""Official path of oxitel.instrumentation.flask."""

from typing import Any

from oxitel.instrumentation.flask import (
    _ENVIRON_ACTIVATION_KEY as _ENVIRON_ACTIVATION_KEY,
    _ENVIRON_REQCTX_REF_KEY as _ENVIRON_REQCTX_REF_KEY,
    _ENVIRON_SPAN_KEY as _ENVIRON_SPAN_KEY,
    _ENVIRON_STARTTIME_KEY as _ENVIRON_STARTTIME_KEY,
    _ENVIRON_TOKEN as _ENVIRON_TOKEN,
    FlaskInstrumentor as FlaskInstrumentor,
    get_default_span_name as get_default_span_name,
)
from oxitel.instrumentation.http.excluded_urls import get_excluded_urls
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

_excluded_urls_from_env = get_excluded_urls("FLASK")


def __getattr__(name: str) -> Any:
    from oxitel.instrumentation import flask_names

    return getattr(flask_names, name)
