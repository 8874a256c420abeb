"""Official path of oxitel.otlp.request."""

from opentelemetry.exporter.otlp.proto.common._internal.trace_encoder import (
    encode_spans as encode_spans,
)

__all__ = ["encode_spans"]
