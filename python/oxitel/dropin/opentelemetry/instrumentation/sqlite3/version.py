"""The version of opentelemetry-instrumentation-sqlite3 that this behaves as."""

from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
