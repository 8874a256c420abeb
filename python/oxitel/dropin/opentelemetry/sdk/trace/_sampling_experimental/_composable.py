"""A private official path that others import from; ours is oxitel.trace.composable_sampling."""

from oxitel.trace.composable_sampling import (
    ComposableSampler as ComposableSampler,
    SamplingIntent as SamplingIntent,
)
