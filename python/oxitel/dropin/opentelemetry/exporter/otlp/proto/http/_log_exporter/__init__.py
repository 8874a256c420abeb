"""Official path of oxitel.logs.otlp_http."""

from oxitel.diagnostics.duplicate_filter import DuplicateFilter as DuplicateFilter
from oxitel.export.http import (
    DEFAULT_COMPRESSION as DEFAULT_COMPRESSION,
    DEFAULT_ENDPOINT as DEFAULT_ENDPOINT,
    DEFAULT_TIMEOUT as DEFAULT_TIMEOUT,
    Compression as Compression,
)
from oxitel.incidental import incidental
from oxitel.logs.exporter import (
    LogRecordExporter as LogRecordExporter,
    LogRecordExportResult as LogRecordExportResult,
)
from oxitel.logs.otlp_http import (
    DEFAULT_LOGS_EXPORT_PATH as DEFAULT_LOGS_EXPORT_PATH,
    OTLPLogExporter as OTLPLogExporter,
)
from oxitel.logs.record import ReadableLogRecord as ReadableLogRecord
from oxitel.otlp.request import encode_logs as encode_logs

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.metrics": "MeterProvider",
        "opentelemetry.sdk.environment_variables": (
            "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE"
            " OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY OTEL_EXPORTER_OTLP_LOGS_COMPRESSION"
            " OTEL_EXPORTER_OTLP_LOGS_ENDPOINT OTEL_EXPORTER_OTLP_LOGS_HEADERS"
            " OTEL_EXPORTER_OTLP_LOGS_TIMEOUT OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
            " _OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER"
        ),
        "opentelemetry.semconv._incubating.attributes.otel_attributes": "OtelComponentTypeValues",
        "opentelemetry.semconv.attributes.http_attributes": "HTTP_RESPONSE_STATUS_CODE",
    },
    modules={"_http": "opentelemetry.exporter.otlp.common.http"},
    loggers=("_logger",),
)
