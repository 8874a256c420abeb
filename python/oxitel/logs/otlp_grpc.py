"""The OTLP exporter for log records over gRPC.

Official name: `opentelemetry.exporter.otlp.proto.grpc._log_exporter.OTLPLogExporter`.
"""

from __future__ import annotations

from oxitel.export.grpc import GrpcExporter
from oxitel.export.otlp import unchanged_is_native
from oxitel.official_name import official

from .otlp import OtlpLogRecords


@official("opentelemetry.exporter.otlp.proto.grpc._log_exporter")
@unchanged_is_native
class OTLPLogExporter(GrpcExporter, OtlpLogRecords):
    """Sends log records to an OTLP receiver over gRPC; the arguments are those of GrpcExporter."""
