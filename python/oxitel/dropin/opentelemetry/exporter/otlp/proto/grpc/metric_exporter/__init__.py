"""Official path of oxitel.metrics.otlp_grpc."""

from oxitel.export.encode import encode_metrics as encode_metrics
from oxitel.export.grpc_compression import environ_to_compression as environ_to_compression
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
