"""What the OTLP metric exporters prefer: temporalities and aggregations, by the instrument's class.

Specification: "OpenTelemetry Metrics Exporter - OTLP". Official name:
`opentelemetry.exporter.otlp.common._aggregation`.
"""

from __future__ import annotations

from collections.abc import Mapping

from oxitel.variables import otlp as variables

from .aggregation import (
    Aggregation,
    AggregationTemporality,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)
from .instrument import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)

INSTRUMENTS: tuple[type, ...] = (
    Counter,
    UpDownCounter,
    Histogram,
    ObservableCounter,
    ObservableUpDownCounter,
    ObservableGauge,
)
_DELTA: dict[str, tuple[type, ...]] = {
    "cumulative": (),
    "delta": (Counter, Histogram, ObservableCounter),
    "lowmemory": (Counter, Histogram),
}


def preferred_temporalities(
    argument: Mapping[type, AggregationTemporality] | None,
) -> dict[type, AggregationTemporality]:
    """Those of the environment, and over them those of the argument."""
    of_environment: dict[type, AggregationTemporality] = {
        **dict.fromkeys(INSTRUMENTS, AggregationTemporality.CUMULATIVE),
        **dict.fromkeys(
            _DELTA[variables.METRICS_TEMPORALITY_PREFERENCE.read()], AggregationTemporality.DELTA
        ),
    }
    return {**of_environment, **(argument or {})}


def preferred_aggregations(
    argument: Mapping[type, Aggregation] | None,
) -> dict[type, Aggregation]:
    """That of the environment for histograms, and over it those of the argument."""
    name = variables.METRICS_DEFAULT_HISTOGRAM_AGGREGATION.read()
    aggregation: Aggregation = ExplicitBucketHistogramAggregation()
    if name == "base2_exponential_bucket_histogram":
        aggregation = ExponentialBucketHistogramAggregation()
    return {Histogram: aggregation, **(argument or {})}
