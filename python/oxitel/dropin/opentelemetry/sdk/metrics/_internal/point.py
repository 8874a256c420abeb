"""A private official path that others import from; ours is oxitel.metrics.point."""

# What the annotations of these classes name, for those who look them up.
from collections.abc import Sequence as Sequence

from opentelemetry.util.types import AnyValue as AnyValue, Attributes as Attributes

from oxitel.metrics.aggregation import AggregationTemporality as AggregationTemporality
from oxitel.metrics.exemplar import Exemplar as Exemplar
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
from oxitel.resources.resource import Resource as Resource
from oxitel.scope import InstrumentationScope as InstrumentationScope
