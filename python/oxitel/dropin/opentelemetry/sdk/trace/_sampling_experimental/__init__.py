"""Official path of oxitel.trace.composable_sampling."""

from oxitel.trace.composable_sampling import (
    ComposableSampler as ComposableSampler,
    SamplingIntent as SamplingIntent,
    composable_always_off as composable_always_off,
    composable_always_on as composable_always_on,
    composable_parent_threshold as composable_parent_threshold,
    composable_traceid_ratio_based as composable_traceid_ratio_based,
    composite_sampler as composite_sampler,
)
from oxitel.trace.sampling_rules import composable_rule_based as composable_rule_based

__all__ = [
    "ComposableSampler",
    "SamplingIntent",
    "composable_always_off",
    "composable_always_on",
    "composable_parent_threshold",
    "composable_rule_based",
    "composable_traceid_ratio_based",
    "composite_sampler",
]
