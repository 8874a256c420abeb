"""Official path of oxitel.export.http."""

from oxitel.export.http import Compression as Compression
from oxitel.export.settings import USER_AGENT as _USER_AGENT

from .version import __version__ as __version__

_OTLP_HTTP_HEADERS = {"Content-Type": "application/x-protobuf", "User-Agent": _USER_AGENT}
