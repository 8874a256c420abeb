"""Official path; the encoder is in oxitel.otlp.request."""

from .version import __version__

__all__ = ["__version__"]
