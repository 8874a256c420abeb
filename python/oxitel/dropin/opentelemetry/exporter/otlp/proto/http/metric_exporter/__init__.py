"""Official path of oxitel.metrics.otlp_http."""

from oxitel.export.encode import encode_metrics as encode_metrics
from oxitel.export.http import (
    DEFAULT_COMPRESSION as DEFAULT_COMPRESSION,
    DEFAULT_ENDPOINT as DEFAULT_ENDPOINT,
    DEFAULT_TIMEOUT as DEFAULT_TIMEOUT,
    Compression as Compression,
)
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
