"""Official path of oxitel.metrics.reader, oxitel.metrics.periodic, oxitel.metrics.exporter and
oxitel.metrics.point.
"""

from oxitel.metrics.aggregation import AggregationTemporality
from oxitel.metrics.exporter import ConsoleMetricExporter, MetricExporter, MetricExportResult
from oxitel.metrics.periodic import PeriodicExportingMetricReader
from oxitel.metrics.point import (
    Buckets,
    DataPointT,
    DataT,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from oxitel.metrics.reader import (
    CardinalityLimits,
    InMemoryMetricReader,
    InstrumentCardinalityKey,
    MetricReader,
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
