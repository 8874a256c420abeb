"""The version of opentelemetry-instrumentation-logging that this behaves as."""

from oxitel.instrumentation.logging import _instruments as _instruments
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
