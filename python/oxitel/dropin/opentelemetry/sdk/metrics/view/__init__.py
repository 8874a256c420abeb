"""Official path of oxitel.metrics.view and oxitel.metrics.aggregation."""

from opentelemetry.sdk.metrics._internal.aggregation import (
    Aggregation as Aggregation,
    DefaultAggregation as DefaultAggregation,
    DropAggregation as DropAggregation,
    ExplicitBucketHistogramAggregation as ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation as ExponentialBucketHistogramAggregation,
    LastValueAggregation as LastValueAggregation,
    SumAggregation as SumAggregation,
)
from opentelemetry.sdk.metrics._internal.view import (
    View as View,
)

__all__ = [
    "Aggregation",
    "DefaultAggregation",
    "DropAggregation",
    "ExplicitBucketHistogramAggregation",
    "ExponentialBucketHistogramAggregation",
    "LastValueAggregation",
    "SumAggregation",
    "View",
]
