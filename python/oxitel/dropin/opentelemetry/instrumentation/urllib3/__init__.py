"""Official path of oxitel.instrumentation.urllib3."""

from oxitel.instrumentation.http.excluded_urls import get_excluded_urls
from oxitel.instrumentation.urllib3 import (
    RequestInfo as RequestInfo,
    URLLib3Instrumentor as URLLib3Instrumentor,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

_excluded_urls_from_env = get_excluded_urls("URLLIB3")
