"""MetricExporter, which users may subclass, and the exporter to the console.

Official name: `opentelemetry.sdk.metrics.export`.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import Enum
from os import linesep
from typing import IO, TYPE_CHECKING, Any

from oxitel.official_name import official

if TYPE_CHECKING:
    from .aggregation import Aggregation, AggregationTemporality
    from .point import MetricsData


@official("opentelemetry.sdk.metrics._internal.export")
class MetricExportResult(Enum):
    """How an export went."""

    SUCCESS = 0
    FAILURE = 1


@official("opentelemetry.sdk.metrics._internal.export")
class MetricExporter(ABC):
    """Sends metrics somewhere. A `PeriodicExportingMetricReader` calls `export` of its exporter one
    at a time and logs what it raises.

    The two dictionaries are by the classes of `opentelemetry.sdk.metrics`; the reader takes its
    temporalities and aggregations from them.
    """

    def __init__(
        self,
        preferred_temporality: Mapping[type, AggregationTemporality] | None = None,
        preferred_aggregation: Mapping[type, Aggregation] | None = None,
    ) -> None:
        self._preferred_temporality = preferred_temporality
        self._preferred_aggregation = preferred_aggregation

    @abstractmethod
    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Send the metrics within `timeout_millis`, and say whether that worked."""

    @abstractmethod
    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Send what `export` has taken and kept, within `timeout_millis`."""

    @abstractmethod
    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """No more metrics come."""


@official("opentelemetry.sdk.metrics._internal.export")
class ConsoleMetricExporter(MetricExporter):
    """Writes metrics to `out` as `formatter` formats them: as JSON, if nothing else is said."""

    def __init__(
        self,
        out: IO[str] = sys.stdout,
        formatter: Callable[[MetricsData], str] = lambda metrics_data: (
            metrics_data.to_json() + linesep
        ),
        preferred_temporality: Mapping[type, AggregationTemporality] | None = None,
        preferred_aggregation: Mapping[type, Aggregation] | None = None,
    ) -> None:
        super().__init__(preferred_temporality, preferred_aggregation)
        self.out = out
        self.formatter = formatter

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        self.out.write(self.formatter(metrics_data))
        self.out.flush()
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing waits here, so nothing is to be done."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing is held."""
