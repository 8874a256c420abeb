"""Official path of the composable ratio sampler."""

from oxitel.trace.composable_sampling import (
    ComposableTraceIDRatioBased as ComposableTraceIDRatioBased,
    composable_traceid_ratio_based as composable_traceid_ratio_based,
)
