"""The version of opentelemetry-instrumentation-kafka-python that this behaves as."""

from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
