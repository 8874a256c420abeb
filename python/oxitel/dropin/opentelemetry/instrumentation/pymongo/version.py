"""The version of opentelemetry-instrumentation-pymongo that this behaves as."""

from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
