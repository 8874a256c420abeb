"""What a collection gives: metrics and their data points, as plain records.

Official names: those of `opentelemetry.sdk.metrics.export`. A collection's `MetricsData` holds the
native snapshot, and makes the records of it when `resource_metrics` is first read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.util.types import Attributes

from oxitel.official_name import official

from .aggregation import AggregationTemporality
from .exemplar import Exemplar

if TYPE_CHECKING:
    from oxitel._native import MetricsSnapshot
    from oxitel.resources.resource import Resource
    from oxitel.scope import InstrumentationScope


def _json(value: Any, indent: int | None) -> str:
    from json import dumps

    return dumps(value, indent=indent)


def _plain(value: Any) -> Any:
    from json import loads

    return loads(value.to_json(indent=None))


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class NumberDataPoint:
    """The value of a sum or a gauge for one set of attributes. Times are nanoseconds since 1970;
    the points of a gauge have no start."""

    attributes: Attributes
    start_time_unix_nano: int
    time_unix_nano: int
    value: int | float
    exemplars: Sequence[Exemplar] = field(default_factory=list)

    def to_json(self, indent: int | None = 4) -> str:
        return _json(asdict(self), indent)


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class HistogramDataPoint:
    """A histogram for one set of attributes; `bucket_counts` is one longer than
    `explicit_bounds`, which belong to the bucket below them."""

    attributes: Attributes
    start_time_unix_nano: int
    time_unix_nano: int
    count: int
    sum: int | float
    bucket_counts: Sequence[int]
    explicit_bounds: Sequence[float]
    min: float
    max: float
    exemplars: Sequence[Exemplar] = field(default_factory=list)

    def to_json(self, indent: int | None = 4) -> str:
        return _json(asdict(self), indent)


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class Buckets:
    """The counts of an exponential histogram's buckets, the first of which has number `offset`."""

    offset: int
    bucket_counts: Sequence[int]


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class ExponentialHistogramDataPoint:
    """An exponential histogram for one set of attributes; bucket `n` holds what is above `b**n`
    and not above `b**(n+1)`, where `b` is `2**(2**-scale)`."""

    attributes: Attributes
    start_time_unix_nano: int
    time_unix_nano: int
    count: int
    sum: int | float
    scale: int
    zero_count: int
    positive: Buckets
    negative: Buckets
    flags: int
    min: float
    max: float
    exemplars: Sequence[Exemplar] = field(default_factory=list)

    def to_json(self, indent: int | None = 4) -> str:
        return _json(asdict(self), indent)


def _plain_points(data: Any) -> list[Any]:
    return [_plain(point) for point in data.data_points]


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class ExponentialHistogram:
    """Counts of amounts, in buckets whose boundaries are powers of one base."""

    data_points: Sequence[ExponentialHistogramDataPoint]
    aggregation_temporality: AggregationTemporality

    def to_json(self, indent: int | None = 4) -> str:
        plain = {
            "data_points": _plain_points(self),
            "aggregation_temporality": self.aggregation_temporality,
        }
        return _json(plain, indent)


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class Sum:
    """Added amounts. `is_monotonic` if none of them was negative."""

    data_points: Sequence[NumberDataPoint]
    aggregation_temporality: AggregationTemporality
    is_monotonic: bool

    def to_json(self, indent: int | None = 4) -> str:
        plain = {
            "data_points": _plain_points(self),
            "aggregation_temporality": self.aggregation_temporality,
            "is_monotonic": self.is_monotonic,
        }
        return _json(plain, indent)


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class Gauge:
    """Last values."""

    data_points: Sequence[NumberDataPoint]

    def to_json(self, indent: int | None = 4) -> str:
        return _json({"data_points": _plain_points(self)}, indent)


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class Histogram:
    """Counts of amounts, in buckets with fixed boundaries."""

    data_points: Sequence[HistogramDataPoint]
    aggregation_temporality: AggregationTemporality

    def to_json(self, indent: int | None = 4) -> str:
        plain = {
            "data_points": _plain_points(self),
            "aggregation_temporality": self.aggregation_temporality,
        }
        return _json(plain, indent)


DataT = Sum | Gauge | Histogram | ExponentialHistogram
DataPointT = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class Metric:
    """The points of one metric stream."""

    name: str
    description: str | None
    unit: str | None
    data: DataT

    def to_json(self, indent: int | None = 4) -> str:
        plain = {
            "name": self.name,
            "description": self.description or "",
            "unit": self.unit or "",
            "data": _plain(self.data),
        }
        return _json(plain, indent)


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class ScopeMetrics:
    """The metrics of one instrumentation scope."""

    scope: InstrumentationScope
    metrics: Sequence[Metric]
    schema_url: str

    def to_json(self, indent: int | None = 4) -> str:
        plain = {
            "scope": _plain(self.scope),
            "metrics": [_plain(metric) for metric in self.metrics],
            "schema_url": self.schema_url,
        }
        return _json(plain, indent)


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class ResourceMetrics:
    """The metrics of one resource, by scope."""

    resource: Resource
    scope_metrics: Sequence[ScopeMetrics]
    schema_url: str

    def to_json(self, indent: int | None = 4) -> str:
        plain = {
            "resource": _plain(self.resource),
            "scope_metrics": [_plain(scope_metrics) for scope_metrics in self.scope_metrics],
            "schema_url": self.schema_url,
        }
        return _json(plain, indent)


@official("opentelemetry.sdk.metrics._internal.point")
@dataclass(frozen=True)
class MetricsData:
    """What a reader collected."""

    resource_metrics: Sequence[ResourceMetrics]

    def to_json(self, indent: int | None = 4) -> str:
        plain = {
            "resource_metrics": [
                _plain(resource_metrics) for resource_metrics in self.resource_metrics
            ]
        }
        return _json(plain, indent)

    @classmethod
    def _of_snapshot(cls, snapshot: MetricsSnapshot) -> MetricsData:
        data = cls.__new__(cls)
        object.__setattr__(data, "_snapshot", snapshot)
        return data

    def __getattr__(self, name: str) -> Any:
        # Only asked for what is not there: the records that nobody has wanted so far. From now on
        # they count, since whoever has them may change them.
        snapshot = self.__dict__.get("_snapshot")
        if name != "resource_metrics" or snapshot is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        records = snapshot.resource_metrics()
        self.__dict__["resource_metrics"] = records
        self.__dict__.pop("_snapshot", None)
        return records

    def _native_snapshot(self) -> MetricsSnapshot | None:
        """The snapshot, as long as nobody has seen the records made of it."""
        return self.__dict__.get("_snapshot")
