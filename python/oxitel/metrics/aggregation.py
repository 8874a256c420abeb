"""How measurements become points: what a view or a reader can ask for.

Settings only: adding up is native. Specification: "Metrics SDK", "Aggregation". Official names:
`opentelemetry.sdk.metrics.view` and `opentelemetry.sdk.metrics.export.AggregationTemporality`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from oxitel.official_name import official

_DEFAULT_EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION_BOUNDARIES: Sequence[float] = (
    0.0,
    5.0,
    10.0,
    25.0,
    50.0,
    75.0,
    100.0,
    250.0,
    500.0,
    750.0,
    1000.0,
    2500.0,
    5000.0,
    7500.0,
    10000.0,
)


@official("opentelemetry.sdk.metrics._internal.aggregation")
class AggregationTemporality(IntEnum):
    """Whether a point tells of the time since the last collection or since the beginning."""

    UNSPECIFIED = 0
    DELTA = 1
    CUMULATIVE = 2


class _Aggregation:
    """The kind of a stream's aggregation, as an `exemplar_reservoir_factory` is told it."""


class _DropAggregation(_Aggregation):
    pass


class _SumAggregation(_Aggregation):
    pass


class _LastValueAggregation(_Aggregation):
    pass


class _ExplicitBucketHistogramAggregation(_Aggregation):
    pass


class _ExponentialBucketHistogramAggregation(_Aggregation):
    pass


@official("opentelemetry.sdk.metrics._internal.aggregation")
class Aggregation:
    """What the aggregations that can be asked for have in common. Those below are all there are:
    a stream adds up natively, so a subclass in Python has nothing to say."""

    _kind: type[_Aggregation] | None = None


@official("opentelemetry.sdk.metrics._internal.aggregation")
class DefaultAggregation(Aggregation):
    """What suits the instrument: a sum for counters and up-down counters, the last value for
    gauges, a histogram with explicit buckets for histograms."""


@official("opentelemetry.sdk.metrics._internal.aggregation")
class SumAggregation(Aggregation):
    """The sum of the measurements."""

    _kind = _SumAggregation


@official("opentelemetry.sdk.metrics._internal.aggregation")
class LastValueAggregation(Aggregation):
    """The last measurement and its time."""

    _kind = _LastValueAggregation


@official("opentelemetry.sdk.metrics._internal.aggregation")
class ExplicitBucketHistogramAggregation(Aggregation):
    """Count, sum, minimum, maximum, and the number of measurements in each bucket.

    `boundaries` are the inclusive upper bounds of all buckets but the last, finite and rising;
    None means those that the instrument advises, or 15 from 0 to 10,000.
    """

    _kind = _ExplicitBucketHistogramAggregation

    def __init__(
        self, boundaries: Sequence[float] | None = None, record_min_max: bool = True
    ) -> None:
        self._boundaries = boundaries
        self._record_min_max = record_min_max


@official("opentelemetry.sdk.metrics._internal.aggregation")
class ExponentialBucketHistogramAggregation(Aggregation):
    """Count, sum, minimum, maximum, and the number of measurements in buckets whose bounds are
    powers of a base that adapts to them.

    `max_size` is the most buckets for positive and for negative values each; `max_scale` (-10 to
    20) is the finest resolution to begin with.
    """

    _kind = _ExponentialBucketHistogramAggregation

    def __init__(
        self, max_size: int = 160, max_scale: int = 20, record_min_max: bool = True
    ) -> None:
        self._max_size = max_size
        self._max_scale = max_scale
        self._record_min_max = record_min_max


@official("opentelemetry.sdk.metrics._internal.aggregation")
class DropAggregation(Aggregation):
    """No points: measurements are ignored."""

    _kind = _DropAggregation
