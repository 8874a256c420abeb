"""Official path of oxitel.trace.otlp_grpc."""

from oxitel.export.encode import encode_spans as encode_spans
from oxitel.export.grpc_compression import environ_to_compression as environ_to_compression
from oxitel.trace.export import SpanExporter as SpanExporter, SpanExportResult as SpanExportResult
from oxitel.trace.otlp_grpc import OTLPSpanExporter as OTLPSpanExporter
from oxitel.trace.span import ReadableSpan as ReadableSpan
