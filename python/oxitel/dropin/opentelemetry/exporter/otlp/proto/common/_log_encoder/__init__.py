"""Official path of oxitel.otlp.request."""

from opentelemetry.exporter.otlp.proto.common._internal._log_encoder import (
    encode_logs as encode_logs,
)

__all__ = ["encode_logs"]
