"""Official path of what the gRPC exporters have in common."""

from oxitel.diagnostics.duplicate_filter import DuplicateFilter as DuplicateFilter
from oxitel.export.grpc_compression import (
    InvalidCompressionValueException as InvalidCompressionValueException,
    environ_to_compression as environ_to_compression,
)
from oxitel.incidental import incidental

__getattr__, __dir__ = incidental(
    __name__,
    {
        "google.rpc.error_details_pb2": "RetryInfo",
        "grpc": (
            "ChannelCredentials Compression RpcError StatusCode insecure_channel secure_channel"
            " ssl_channel_credentials"
        ),
        "opentelemetry.metrics": "MeterProvider",
        "opentelemetry.proto.collector.logs.v1.logs_service_pb2": "ExportLogsServiceRequest",
        "opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc": "LogsServiceStub",
        "opentelemetry.proto.collector.metrics.v1.metrics_service_pb2": (
            "ExportMetricsServiceRequest"
        ),
        "opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc": "MetricsServiceStub",
        "opentelemetry.proto.collector.trace.v1.trace_service_pb2": "ExportTraceServiceRequest",
        "opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc": "TraceServiceStub",
        "opentelemetry.proto.common.v1.common_pb2": "AnyValue ArrayValue KeyValue",
        "opentelemetry.proto.resource.v1.resource_pb2": "Resource",
        "opentelemetry.sdk.environment_variables": (
            "OTEL_EXPORTER_OTLP_CERTIFICATE OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"
            " OTEL_EXPORTER_OTLP_CLIENT_KEY OTEL_EXPORTER_OTLP_COMPRESSION"
            " OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_INSECURE"
            " OTEL_EXPORTER_OTLP_TIMEOUT OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
        ),
        "opentelemetry.sdk.resources": "Resource:SDKResource",
        "opentelemetry.semconv._incubating.attributes.otel_attributes": "OtelComponentTypeValues",
        "opentelemetry.semconv._incubating.attributes.rpc_attributes": "RPC_RESPONSE_STATUS_CODE",
        "opentelemetry.util._importlib_metadata": "entry_points",
        "opentelemetry.util.re": "parse_env_headers",
        "typing_extensions": "deprecated",
    },
    loggers=("logger",),
)
