"""MetricReader, which users may subclass, and the reader that keeps what it reads.

Specification: "Metrics SDK", "MetricReader". Official name: `opentelemetry.sdk.metrics.export`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from logging import getLogger
from time import perf_counter
from typing import TYPE_CHECKING, Any, final

from oxitel import _native
from oxitel.official_name import official

from .aggregation import Aggregation, AggregationTemporality, DefaultAggregation
from .instrument import (
    Counter,
    Gauge,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from .view import check_cardinality_limit

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from .point import MetricsData

_logger = getLogger("opentelemetry.sdk.metrics._internal.export")

INSTRUMENTS: tuple[type, ...] = (
    Counter,
    UpDownCounter,
    Histogram,
    Gauge,
    ObservableCounter,
    ObservableUpDownCounter,
    ObservableGauge,
)
DEFAULT_CARDINALITY_LIMIT = 2000

InstrumentCardinalityKey = (
    type[Counter]
    | type[UpDownCounter]
    | type[Histogram]
    | type[Gauge]
    | type[ObservableCounter]
    | type[ObservableUpDownCounter]
    | type[ObservableGauge]
)
CardinalityLimits = dict[InstrumentCardinalityKey, int]


@official("opentelemetry.sdk.metrics._internal.export")
class MetricReader(ABC):
    """Collects the metrics of one meter provider, when it is asked to.

    The three dictionaries are by the classes of `opentelemetry.sdk.metrics`; what is left out is
    cumulative, `DefaultAggregation`, and at most 2,000 series in a metric. Views win over them.
    Raises Exception for a key that is no such class and for a temporality that is neither delta
    nor cumulative, ValueError for a limit that is not a positive integer.
    """

    def __init__(
        self,
        preferred_temporality: Mapping[type, AggregationTemporality] | None = None,
        preferred_aggregation: Mapping[type, Aggregation] | None = None,
        cardinality_limits: Mapping[Any, int] | None = None,
        *,
        otel_component_type: Any = None,
    ) -> None:
        for temporality in (preferred_temporality or {}).values():
            if temporality not in (
                AggregationTemporality.CUMULATIVE,
                AggregationTemporality.DELTA,
            ):
                raise Exception(f"Invalid temporality value found {temporality}")
        for preferences in (preferred_temporality, preferred_aggregation):
            for instrument_class in preferences or {}:
                if instrument_class not in INSTRUMENTS:
                    raise Exception(f"Invalid instrument class found {instrument_class}")
        for instrument_class, limit in (cardinality_limits or {}).items():
            if instrument_class not in INSTRUMENTS:
                raise ValueError(f"Invalid instrument class found {instrument_class}")
            check_cardinality_limit(f"Cardinality limit for {instrument_class}", limit)

        self._collect: Callable[..., MetricsData | None] | None = None
        self._preferred_temporality = preferred_temporality
        self._instrument_class_temporality: dict[type, AggregationTemporality] = {
            **dict.fromkeys(INSTRUMENTS, AggregationTemporality.CUMULATIVE),
            **(preferred_temporality or {}),
        }
        self._instrument_class_aggregation: dict[type, Aggregation] = {
            **{instrument: DefaultAggregation() for instrument in INSTRUMENTS},
            **(preferred_aggregation or {}),
        }
        self._instrument_class_cardinality_limit: dict[type, int] = {
            **dict.fromkeys(INSTRUMENTS, DEFAULT_CARDINALITY_LIMIT),
            **(cardinality_limits or {}),
        }
        if otel_component_type is None:
            self._otel_component_type = type(self).__qualname__
        else:
            self._otel_component_type = otel_component_type.value
        self._record_collection: Callable[[float], None] | None = None

    @final
    def collect(self, timeout_millis: float = 10_000) -> None:
        """Collect the metrics, and hand them to `_receive_metrics` if there are any.

        Raises MetricsTimeoutError where collecting takes longer than `timeout_millis`, and whatever
        `_receive_metrics` raises.
        """
        collect = self._collect
        if collect is None:
            _logger.warning(
                "Cannot call collect on a MetricReader until it is registered on a MeterProvider"
            )
            return
        record_collection = self._record_collection
        if record_collection is None:
            metrics_data = collect(self, timeout_millis=timeout_millis)
        else:
            start = perf_counter()
            try:
                metrics_data = collect(self, timeout_millis=timeout_millis)
            finally:
                record_collection(perf_counter() - start)
        if metrics_data is not None:
            self._receive_metrics(metrics_data, timeout_millis=timeout_millis)

    @final
    def _set_collect_callback(self, func: Callable[..., MetricsData | None] | None) -> None:
        """Called by the meter provider that the reader is registered with, or taken away from."""
        self._collect = func
        self._begin()

    def _begin(self) -> None:  # noqa: B027 (a reader without a thread has nothing to begin)
        """Called when there may be something to collect from now on."""

    def _set_meter_provider(self, meter_provider: MeterProvider) -> None:
        """Called by the meter provider that the reader is registered with."""
        from oxitel.variables.sdk import INTERNAL_METRICS_ENABLED

        if INTERNAL_METRICS_ENABLED.read():
            from oxitel.self_observability.reader import collection_recorder

            self._record_collection = collection_recorder(self._otel_component_type, meter_provider)

    @abstractmethod
    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        """Called by `collect` with what was collected."""

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Collect now."""
        self.collect(timeout_millis=timeout_millis)
        return True

    @abstractmethod
    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Give back what is held. Called once, when the meter provider is shut down."""


@official("opentelemetry.sdk.metrics._internal.export")
class InMemoryMetricReader(MetricReader):
    """Collects when `get_metrics_data` is called, and returns it. For tests."""

    def __init__(
        self,
        preferred_temporality: Mapping[type, AggregationTemporality] | None = None,
        preferred_aggregation: Mapping[type, Aggregation] | None = None,
        cardinality_limits: Mapping[Any, int] | None = None,
    ) -> None:
        super().__init__(preferred_temporality, preferred_aggregation, cardinality_limits)
        self._lock = threading.RLock()
        self._metrics_data: MetricsData | None = None

    def get_metrics_data(self) -> MetricsData | None:
        """What there is to collect now; None if there is nothing."""
        _native.settle_fork()
        with self._lock:
            self.collect()
            metrics_data, self._metrics_data = self._metrics_data, None
        return metrics_data

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        with self._lock:
            self._metrics_data = metrics_data

    def _renew_locks(self) -> None:
        # Called in a forked child, where another thread of the parent may have held the old one.
        self._lock = threading.RLock()

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing is held."""
