"""Official path of oxitel.otlp.request."""

from opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder import (
    encode_metrics as encode_metrics,
)

__all__ = ["encode_metrics"]
