"""Official path of oxitel.otlp.request."""

from oxitel.otlp.request import encode_logs as encode_logs

__all__ = ["encode_logs"]
