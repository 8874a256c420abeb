"""A private official path that others import from; ours is oxitel.metrics.exemplar."""

from oxitel.metrics.exemplar import (
    AlwaysOffExemplarFilter as AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter as AlwaysOnExemplarFilter,
    ExemplarFilter as ExemplarFilter,
    TraceBasedExemplarFilter as TraceBasedExemplarFilter,
)
