"""Official path of oxitel.instrumentation.urllib3."""

from typing import TYPE_CHECKING

from oxitel.incidental import incidental
from oxitel.instrumentation.http.excluded_urls import get_excluded_urls
from oxitel.instrumentation.urllib3 import URLLib3Instrumentor as URLLib3Instrumentor
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

if TYPE_CHECKING:
    from oxitel.instrumentation.urllib3_hooks import RequestInfo as RequestInfo

_excluded_urls_from_env = get_excluded_urls("URLLIB3")

__getattr__, __dir__ = incidental(__name__, {"oxitel.instrumentation.urllib3_hooks": "RequestInfo"})
