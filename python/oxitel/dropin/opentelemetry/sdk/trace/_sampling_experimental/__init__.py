"""Official path of oxitel.trace.composable_sampling."""

from opentelemetry.sdk.trace._sampling_experimental._always_off import (
    composable_always_off as composable_always_off,
)
from opentelemetry.sdk.trace._sampling_experimental._always_on import (
    composable_always_on as composable_always_on,
)
from opentelemetry.sdk.trace._sampling_experimental._composable import (
    ComposableSampler as ComposableSampler,
    SamplingIntent as SamplingIntent,
)
from opentelemetry.sdk.trace._sampling_experimental._parent_threshold import (
    composable_parent_threshold as composable_parent_threshold,
)
from opentelemetry.sdk.trace._sampling_experimental._rule_based import (
    composable_rule_based as composable_rule_based,
)
from opentelemetry.sdk.trace._sampling_experimental._sampler import (
    composite_sampler as composite_sampler,
)
from opentelemetry.sdk.trace._sampling_experimental._traceid_ratio import (
    composable_traceid_ratio_based as composable_traceid_ratio_based,
)

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
