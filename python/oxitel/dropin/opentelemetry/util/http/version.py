"""The version of opentelemetry-util-http that this behaves as."""

from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
