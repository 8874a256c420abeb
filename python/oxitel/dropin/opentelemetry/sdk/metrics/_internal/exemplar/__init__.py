"""A private official path that others import from; ours are oxitel.metrics.exemplar and
oxitel.metrics.reservoir.
"""

from oxitel.metrics.exemplar import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Exemplar,
    ExemplarFilter,
    TraceBasedExemplarFilter,
)
from oxitel.metrics.reservoir import (
    AlignedHistogramBucketExemplarReservoir,
    ExemplarReservoir,
    ExemplarReservoirBuilder,
    SimpleFixedSizeExemplarReservoir,
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
