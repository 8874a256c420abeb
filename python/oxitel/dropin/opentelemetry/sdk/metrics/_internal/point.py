"""A private official path that others import from; ours is oxitel.metrics.point."""

from oxitel.metrics.point import (
    Buckets as Buckets,
    DataPointT as DataPointT,
    DataT as DataT,
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
