"""Official path of oxitel.trace.otlp_grpc."""

from typing import TYPE_CHECKING

from oxitel.export.grpc_compression import environ_to_compression as environ_to_compression
from oxitel.incidental import incidental
from oxitel.trace.export import SpanExporter as SpanExporter, SpanExportResult as SpanExportResult
from oxitel.trace.otlp_grpc import OTLPSpanExporter as OTLPSpanExporter
from oxitel.trace.span import ReadableSpan as ReadableSpan

if TYPE_CHECKING:
    from oxitel.otlp.request import encode_spans as encode_spans

__getattr__, __dir__ = incidental(
    __name__,
    {
        "grpc": "ChannelCredentials Compression StatusCode",
        "opentelemetry.metrics": "MeterProvider",
        "opentelemetry.proto.collector.trace.v1.trace_service_pb2": "ExportTraceServiceRequest",
        "opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc": "TraceServiceStub",
        "opentelemetry.proto.common.v1.common_pb2": "InstrumentationScope",
        "opentelemetry.proto.trace.v1.trace_pb2": (
            "ResourceSpans ScopeSpans Span:CollectorSpan Status"
        ),
        "opentelemetry.sdk.environment_variables": (
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE"
            " OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"
            " OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_EXPORTER_OTLP_TRACES_HEADERS"
            " OTEL_EXPORTER_OTLP_TRACES_INSECURE OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"
            " _OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER"
        ),
        "oxitel.otlp.request": "encode_spans",
        "opentelemetry.semconv._incubating.attributes.otel_attributes": "OtelComponentTypeValues",
    },
    loggers=("logger",),
)
