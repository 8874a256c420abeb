"""Official path of oxitel.metrics.otlp_http."""

from oxitel.export.http import (
    DEFAULT_COMPRESSION as DEFAULT_COMPRESSION,
    DEFAULT_ENDPOINT as DEFAULT_ENDPOINT,
    DEFAULT_TIMEOUT as DEFAULT_TIMEOUT,
    Compression as Compression,
)
from oxitel.incidental import incidental
from oxitel.metrics.aggregation import (
    Aggregation as Aggregation,
    AggregationTemporality as AggregationTemporality,
)
from oxitel.metrics.exporter import (
    MetricExporter as MetricExporter,
    MetricExportResult as MetricExportResult,
)
from oxitel.metrics.otlp_http import (
    DEFAULT_METRICS_EXPORT_PATH as DEFAULT_METRICS_EXPORT_PATH,
    OTLPMetricExporter as OTLPMetricExporter,
)
from oxitel.metrics.point import (
    Gauge as Gauge,
    Histogram as HistogramType,
    MetricsData as MetricsData,
    Sum as Sum,
)
from oxitel.otlp.request import encode_metrics as encode_metrics

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.exporter.otlp.common._aggregation": "_get_aggregation _get_temporality",
        "opentelemetry.exporter.otlp.proto.common._internal": "_get_resource_data",
        "opentelemetry.metrics": "MeterProvider",
        "opentelemetry.proto.collector.metrics.v1.metrics_service_pb2": (
            "ExportMetricsServiceRequest"
        ),
        "opentelemetry.proto.common.v1.common_pb2": (
            "AnyValue ArrayValue InstrumentationScope KeyValue KeyValueList"
        ),
        "opentelemetry.proto.resource.v1.resource_pb2": "Resource Resource:PB2Resource",
        "opentelemetry.sdk.resources": "Resource:SDKResource",
        "typing_extensions": "deprecated",
        "opentelemetry.sdk.environment_variables": (
            "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE"
            " OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY OTEL_EXPORTER_OTLP_METRICS_COMPRESSION"
            " OTEL_EXPORTER_OTLP_METRICS_ENDPOINT OTEL_EXPORTER_OTLP_METRICS_HEADERS"
            " OTEL_EXPORTER_OTLP_METRICS_TIMEOUT OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
            " _OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER"
        ),
        "opentelemetry.semconv._incubating.attributes.otel_attributes": "OtelComponentTypeValues",
        "opentelemetry.semconv.attributes.http_attributes": "HTTP_RESPONSE_STATUS_CODE",
    },
    modules={
        "_http": "opentelemetry.exporter.otlp.common.http",
        "pb2": "opentelemetry.proto.metrics.v1.metrics_pb2",
    },
    loggers=("_logger",),
)
