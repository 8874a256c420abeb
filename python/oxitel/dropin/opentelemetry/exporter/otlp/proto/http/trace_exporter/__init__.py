"""Official path of oxitel.trace.otlp_http."""

from oxitel.export.http import (
    DEFAULT_COMPRESSION as DEFAULT_COMPRESSION,
    DEFAULT_ENDPOINT as DEFAULT_ENDPOINT,
    DEFAULT_TIMEOUT as DEFAULT_TIMEOUT,
    Compression as Compression,
)
from oxitel.incidental import incidental
from oxitel.otlp.request import encode_spans as encode_spans
from oxitel.trace.export import SpanExporter as SpanExporter, SpanExportResult as SpanExportResult
from oxitel.trace.otlp_http import (
    DEFAULT_TRACES_EXPORT_PATH as DEFAULT_TRACES_EXPORT_PATH,
    OTLPSpanExporter as OTLPSpanExporter,
)
from oxitel.trace.span import ReadableSpan as ReadableSpan

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.metrics": "MeterProvider",
        "opentelemetry.sdk.environment_variables": (
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE"
            " OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"
            " OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_EXPORTER_OTLP_TRACES_HEADERS"
            " OTEL_EXPORTER_OTLP_TRACES_TIMEOUT OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
            " _OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER"
        ),
        "opentelemetry.semconv._incubating.attributes.otel_attributes": "OtelComponentTypeValues",
        "opentelemetry.semconv.attributes.http_attributes": "HTTP_RESPONSE_STATUS_CODE",
    },
    modules={"_http": "opentelemetry.exporter.otlp.common.http"},
    loggers=("_logger",),
)
