"""Official path of oxitel.metrics.otlp_grpc."""

from oxitel.export.grpc_compression import environ_to_compression as environ_to_compression
from oxitel.incidental import incidental
from oxitel.metrics.aggregation import (
    Aggregation as Aggregation,
    AggregationTemporality as AggregationTemporality,
)
from oxitel.metrics.exporter import (
    MetricExporter as MetricExporter,
    MetricExportResult as MetricExportResult,
)
from oxitel.metrics.otlp_grpc import OTLPMetricExporter as OTLPMetricExporter
from oxitel.metrics.point import (
    DataPointT as DataPointT,
    ExponentialHistogram as ExponentialHistogramType,
    Gauge as Gauge,
    Histogram as HistogramType,
    Metric as Metric,
    MetricsData as MetricsData,
    ResourceMetrics as ResourceMetrics,
    ScopeMetrics as ScopeMetrics,
    Sum as Sum,
)
from oxitel.otlp.request import encode_metrics as encode_metrics

__getattr__, __dir__ = incidental(
    __name__,
    {
        "grpc": "ChannelCredentials Compression StatusCode",
        "opentelemetry.metrics": "MeterProvider",
        "opentelemetry.proto.collector.metrics.v1.metrics_service_pb2": (
            "ExportMetricsServiceRequest"
        ),
        "opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc": "MetricsServiceStub",
        "opentelemetry.proto.common.v1.common_pb2": "InstrumentationScope",
        "opentelemetry.sdk.environment_variables": (
            "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE"
            " OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY OTEL_EXPORTER_OTLP_METRICS_COMPRESSION"
            " OTEL_EXPORTER_OTLP_METRICS_ENDPOINT OTEL_EXPORTER_OTLP_METRICS_HEADERS"
            " OTEL_EXPORTER_OTLP_METRICS_INSECURE OTEL_EXPORTER_OTLP_METRICS_TIMEOUT"
            " _OTEL_PYTHON_EXPORTER_OTLP_GRPC_METRICS_CREDENTIAL_PROVIDER"
        ),
        "opentelemetry.semconv._incubating.attributes.otel_attributes": "OtelComponentTypeValues",
    },
    modules={"pb2": "opentelemetry.proto.metrics.v1.metrics_pb2"},
    loggers=("_logger",),
)
