"""Official path of oxitel.otlp.request."""

from oxitel.otlp.request import encode_spans

__all__ = ["encode_spans"]
