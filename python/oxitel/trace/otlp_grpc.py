"""The OTLP exporter for spans over gRPC.

Official name: `opentelemetry.exporter.otlp.proto.grpc.trace_exporter.OTLPSpanExporter`.
"""

from __future__ import annotations

from oxitel.export.grpc import GrpcExporter
from oxitel.export.otlp import unchanged_is_native
from oxitel.official_name import official

from .otlp import OtlpSpans


@official("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
@unchanged_is_native
class OTLPSpanExporter(GrpcExporter, OtlpSpans):
    """Sends spans to an OTLP receiver over gRPC; the arguments are those of GrpcExporter."""
