"""Exemplar reservoirs: which of the measurements that are offered are kept until a collection.

A stream whose reservoir is exactly one of the two classes at the end keeps its exemplars natively;
any other is called from Python, for each measurement that the exemplar filter lets through.
Specification: "Metrics SDK", "ExemplarReservoir". Official name: `opentelemetry.sdk.metrics`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace.span import INVALID_SPAN

from oxitel.official_name import official

from .aggregation import _Aggregation, _ExplicitBucketHistogramAggregation
from .exemplar import Exemplar

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar_reservoir")
class ExemplarReservoir(ABC):
    """Keeps some of the measurements of one series.

    A constructor has to take keyword arguments: `boundaries` where the series is a histogram with
    explicit buckets, `size` where it is an exponential one. Both methods are called from several
    threads.
    """

    @abstractmethod
    def offer(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> None:
        """Keep the measurement, or do not; `attributes` are all of its attributes."""

    @abstractmethod
    def collect(self, point_attributes: Attributes) -> list[Exemplar]:
        """What was kept, without the attributes that the point has; and begin anew."""


ExemplarReservoirBuilder = Callable[..., ExemplarReservoir]


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar_reservoir")
class ExemplarBucket:
    """Room for one measurement."""

    def __init__(self) -> None:
        self._exemplar: Exemplar | None = None

    def offer(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> None:
        """Keep this measurement in place of what was here."""
        span = trace.get_current_span(context)
        if span is INVALID_SPAN:
            self._exemplar = Exemplar(attributes, value, time_unix_nano)
            return
        ids = span.get_span_context()
        self._exemplar = Exemplar(attributes, value, time_unix_nano, ids.span_id, ids.trace_id)

    def collect(self, point_attributes: Attributes) -> Exemplar | None:
        """What is here, without the point's attributes; the room is empty afterwards."""
        kept, self._exemplar = self._exemplar, None
        if kept is None:
            return None
        others = kept.filtered_attributes and {
            key: value
            for key, value in kept.filtered_attributes.items()
            if key not in (point_attributes or ())
        }
        return Exemplar(
            others if kept.filtered_attributes else None,
            kept.value,
            kept.time_unix_nano,
            kept.span_id,
            kept.trace_id,
        )


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar_reservoir")
class BucketIndexError(ValueError):
    """A measurement that is not to be kept."""


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar_reservoir")
class FixedSizeExemplarReservoirABC(ExemplarReservoir):
    """A reservoir with `size` places; a subclass says which of them a measurement takes."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._size = size
        self._reservoir_storage: dict[int, ExemplarBucket] = {}
        self._lock = threading.Lock()

    def collect(self, point_attributes: Attributes) -> list[Exemplar]:
        with self._lock:
            buckets = [bucket for _, bucket in sorted(self._reservoir_storage.items())]
            collected = [bucket.collect(point_attributes) for bucket in buckets]
            self._reset()
        return [exemplar for exemplar in collected if exemplar is not None]

    def offer(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> None:
        with self._lock:
            try:
                index = self._find_bucket_index(value, time_unix_nano, attributes, context)
            except BucketIndexError:
                return
            bucket = self._reservoir_storage.setdefault(index, ExemplarBucket())
            bucket.offer(value, time_unix_nano, attributes, context)

    @abstractmethod
    def _find_bucket_index(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> int:
        """The place that this measurement takes; BucketIndexError if it is not to be kept."""

    def _reset(self) -> None:
        """Called at the end of a collection, for what else there is to begin anew."""


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar_reservoir")
class SimpleFixedSizeExemplarReservoir(FixedSizeExemplarReservoirABC):
    """Keeps `size` measurements, chosen at random with the same chance for each."""

    def __init__(self, size: int = 1, **kwargs: Any) -> None:
        super().__init__(size, **kwargs)
        self._measurements_seen = 0

    def _reset(self) -> None:
        super()._reset()
        self._measurements_seen = 0

    def _find_bucket_index(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> int:
        from random import randrange

        seen = self._measurements_seen
        self._measurements_seen = seen + 1
        index = seen if seen < self._size else randrange(seen + 1)
        if index >= self._size:
            raise BucketIndexError("Unable to find the bucket index.")
        return index


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar_reservoir")
class AlignedHistogramBucketExemplarReservoir(FixedSizeExemplarReservoirABC):
    """Keeps the last measurement of each of a histogram's buckets."""

    def __init__(self, boundaries: Sequence[float], **kwargs: Any) -> None:
        super().__init__(len(boundaries) + 1, **kwargs)
        self._boundaries = boundaries

    def _find_bucket_index(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> int:
        from bisect import bisect_left

        return bisect_left(self._boundaries, value)


def _default_reservoir_factory(aggregation_type: type[_Aggregation]) -> ExemplarReservoirBuilder:
    """The reservoirs of a view that names none (specification, "Exemplar defaults")."""
    if issubclass(aggregation_type, _ExplicitBucketHistogramAggregation):
        return AlignedHistogramBucketExemplarReservoir
    return SimpleFixedSizeExemplarReservoir
