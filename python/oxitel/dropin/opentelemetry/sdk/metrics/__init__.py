"""Official path of oxitel.metrics."""

from opentelemetry.sdk.metrics._internal import (
    Meter as Meter,
    MeterProvider as MeterProvider,
)
from opentelemetry.sdk.metrics._internal.exceptions import (
    MetricsTimeoutError as MetricsTimeoutError,
)
from opentelemetry.sdk.metrics._internal.exemplar.exemplar import (
    Exemplar as Exemplar,
)
from opentelemetry.sdk.metrics._internal.exemplar.exemplar_filter import (
    AlwaysOffExemplarFilter as AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter as AlwaysOnExemplarFilter,
    ExemplarFilter as ExemplarFilter,
    TraceBasedExemplarFilter as TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics._internal.exemplar.exemplar_reservoir import (
    AlignedHistogramBucketExemplarReservoir as AlignedHistogramBucketExemplarReservoir,
    ExemplarReservoir as ExemplarReservoir,
    SimpleFixedSizeExemplarReservoir as SimpleFixedSizeExemplarReservoir,
)
from opentelemetry.sdk.metrics._internal.instrument import (
    Counter as Counter,
    Gauge as _Gauge,
    Histogram as Histogram,
    ObservableCounter as ObservableCounter,
    ObservableGauge as ObservableGauge,
    ObservableUpDownCounter as ObservableUpDownCounter,
    UpDownCounter as UpDownCounter,
)

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
