"""A private official path that others import from; ours is oxitel.metrics.aggregation."""

from oxitel.metrics.aggregation import (
    _DEFAULT_EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION_BOUNDARIES as _DEFAULT_EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION_BOUNDARIES,  # noqa: E501
    Aggregation as Aggregation,
    AggregationTemporality as AggregationTemporality,
    DefaultAggregation as DefaultAggregation,
    DropAggregation as DropAggregation,
    ExplicitBucketHistogramAggregation as ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation as ExponentialBucketHistogramAggregation,
    LastValueAggregation as LastValueAggregation,
    SumAggregation as SumAggregation,
    _Aggregation as _Aggregation,
    _DropAggregation as _DropAggregation,
    _ExplicitBucketHistogramAggregation as _ExplicitBucketHistogramAggregation,
    _ExponentialBucketHistogramAggregation as _ExponentialBucketHistogramAggregation,
    _LastValueAggregation as _LastValueAggregation,
    _SumAggregation as _SumAggregation,
)
