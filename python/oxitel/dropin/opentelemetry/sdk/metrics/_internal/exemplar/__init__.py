"""A private official path that others import from; ours are oxitel.metrics.exemplar and
oxitel.metrics.reservoir.
"""

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

from oxitel.metrics.reservoir import (
    ExemplarReservoirBuilder as ExemplarReservoirBuilder,
)

__all__ = [
    "AlignedHistogramBucketExemplarReservoir",
    "AlwaysOffExemplarFilter",
    "AlwaysOnExemplarFilter",
    "Exemplar",
    "ExemplarFilter",
    "ExemplarReservoir",
    "ExemplarReservoirBuilder",
    "SimpleFixedSizeExemplarReservoir",
    "TraceBasedExemplarFilter",
]
