"""Official path; the encoder is in oxitel.export.encode."""

from .version import __version__

__all__ = ["__version__"]
