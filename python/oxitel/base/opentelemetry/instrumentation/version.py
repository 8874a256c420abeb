"""The release of the official base whose names are answered here."""

from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__

__all__ = ["__version__"]
