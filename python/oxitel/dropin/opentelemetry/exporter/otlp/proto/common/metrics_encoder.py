"""Official path of oxitel.otlp.request."""

from oxitel.otlp.request import encode_metrics

__all__ = ["encode_metrics"]
