"""Official path of oxitel.instrumentation.urllib3."""

from typing import TYPE_CHECKING, Any

from oxitel.incidental import public
from oxitel.instrumentation.http.excluded_urls import get_excluded_urls
from oxitel.instrumentation.urllib3 import URLLib3Instrumentor as URLLib3Instrumentor
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

if TYPE_CHECKING:
    from oxitel.instrumentation.urllib3_hooks import RequestInfo as RequestInfo

_excluded_urls_from_env = get_excluded_urls("URLLIB3")


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return public(__name__, __dir__())
    from oxitel.instrumentation import urllib3

    return getattr(urllib3, name)


def __dir__() -> list[str]:
    return sorted({*globals(), "RequestInfo"})
