"""The version of the official package whose surface this is."""

from oxitel.version import OFFICIAL_VERSION

__version__ = OFFICIAL_VERSION
