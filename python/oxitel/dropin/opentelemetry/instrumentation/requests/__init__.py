"""Official path of oxitel.instrumentation.requests."""

from oxitel.instrumentation.http.excluded_urls import get_excluded_urls
from oxitel.instrumentation.requests import (
    RequestsInstrumentor as RequestsInstrumentor,
    get_default_span_name as get_default_span_name,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

_excluded_urls_from_env = get_excluded_urls("REQUESTS")
