"""Official path of oxitel.metrics."""

from oxitel.metrics.exemplar import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Exemplar,
    ExemplarFilter,
    TraceBasedExemplarFilter,
)
from oxitel.metrics.instrument import (
    Counter,
    Gauge as _Gauge,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from oxitel.metrics.meter import Meter
from oxitel.metrics.provider import MeterProvider
from oxitel.metrics.reservoir import (
    AlignedHistogramBucketExemplarReservoir,
    ExemplarReservoir,
    SimpleFixedSizeExemplarReservoir,
)
from oxitel.metrics.timeout import MetricsTimeoutError

from . import export, view

__all__ = [
    "AlignedHistogramBucketExemplarReservoir",
    "AlwaysOffExemplarFilter",
    "AlwaysOnExemplarFilter",
    "Counter",
    "Exemplar",
    "ExemplarFilter",
    "ExemplarReservoir",
    "Histogram",
    "Meter",
    "MeterProvider",
    "MetricsTimeoutError",
    "ObservableCounter",
    "ObservableGauge",
    "ObservableUpDownCounter",
    "SimpleFixedSizeExemplarReservoir",
    "TraceBasedExemplarFilter",
    "UpDownCounter",
    "_Gauge",
    "export",
    "view",
]
