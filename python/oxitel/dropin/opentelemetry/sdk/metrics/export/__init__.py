"""Official path of oxitel.metrics.reader, oxitel.metrics.periodic, oxitel.metrics.exporter and
oxitel.metrics.point.
"""

from opentelemetry.sdk.metrics._internal.aggregation import (
    AggregationTemporality as AggregationTemporality,
)
from opentelemetry.sdk.metrics._internal.export import (
    ConsoleMetricExporter as ConsoleMetricExporter,
    InMemoryMetricReader as InMemoryMetricReader,
    MetricExporter as MetricExporter,
    MetricExportResult as MetricExportResult,
    MetricReader as MetricReader,
    PeriodicExportingMetricReader as PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics._internal.point import (
    Buckets as Buckets,
    ExponentialHistogram as ExponentialHistogram,
    ExponentialHistogramDataPoint as ExponentialHistogramDataPoint,
    Gauge as Gauge,
    Histogram as Histogram,
    HistogramDataPoint as HistogramDataPoint,
    Metric as Metric,
    MetricsData as MetricsData,
    NumberDataPoint as NumberDataPoint,
    ResourceMetrics as ResourceMetrics,
    ScopeMetrics as ScopeMetrics,
    Sum as Sum,
)

from oxitel.metrics.point import (
    DataPointT as DataPointT,
    DataT as DataT,
)
from oxitel.metrics.reader import (
    CardinalityLimits as CardinalityLimits,
    InstrumentCardinalityKey as InstrumentCardinalityKey,
)

__all__ = [
    "AggregationTemporality",
    "Buckets",
    "CardinalityLimits",
    "ConsoleMetricExporter",
    "DataPointT",
    "DataT",
    "ExponentialHistogram",
    "ExponentialHistogramDataPoint",
    "Gauge",
    "Histogram",
    "HistogramDataPoint",
    "InMemoryMetricReader",
    "InstrumentCardinalityKey",
    "Metric",
    "MetricExportResult",
    "MetricExporter",
    "MetricReader",
    "MetricsData",
    "NumberDataPoint",
    "PeriodicExportingMetricReader",
    "ResourceMetrics",
    "ScopeMetrics",
    "Sum",
]
