"""Official path of oxitel.logs.otlp_grpc."""

from oxitel.export.grpc_compression import environ_to_compression as environ_to_compression
from oxitel.incidental import incidental
from oxitel.logs.exporter import (
    LogRecordExporter as LogRecordExporter,
    LogRecordExportResult as LogRecordExportResult,
)
from oxitel.logs.otlp_grpc import OTLPLogExporter as OTLPLogExporter
from oxitel.logs.record import ReadableLogRecord as ReadableLogRecord
from oxitel.otlp.request import encode_logs as encode_logs

__getattr__, __dir__ = incidental(
    __name__,
    {
        "grpc": "ChannelCredentials Compression StatusCode",
        "opentelemetry.metrics": "MeterProvider",
        "opentelemetry.proto.collector.logs.v1.logs_service_pb2": "ExportLogsServiceRequest",
        "opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc": "LogsServiceStub",
        "opentelemetry.sdk.environment_variables": (
            "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE"
            " OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY OTEL_EXPORTER_OTLP_LOGS_COMPRESSION"
            " OTEL_EXPORTER_OTLP_LOGS_ENDPOINT OTEL_EXPORTER_OTLP_LOGS_HEADERS"
            " OTEL_EXPORTER_OTLP_LOGS_INSECURE OTEL_EXPORTER_OTLP_LOGS_TIMEOUT"
            " _OTEL_PYTHON_EXPORTER_OTLP_GRPC_LOGS_CREDENTIAL_PROVIDER"
        ),
        "opentelemetry.semconv._incubating.attributes.otel_attributes": "OtelComponentTypeValues",
    },
)
