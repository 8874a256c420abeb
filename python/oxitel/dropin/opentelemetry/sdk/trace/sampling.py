"""Official path of oxitel.trace.sampling."""

from oxitel.incidental import incidental
from oxitel.trace.sampling import (
    _KNOWN_SAMPLERS as _KNOWN_SAMPLERS,
    ALWAYS_OFF as ALWAYS_OFF,
    ALWAYS_ON as ALWAYS_ON,
    DEFAULT_OFF as DEFAULT_OFF,
    DEFAULT_ON as DEFAULT_ON,
    AlwaysRecordSampler as AlwaysRecordSampler,
    Decision as Decision,
    ParentBased as ParentBased,
    ParentBasedTraceIdRatio as ParentBasedTraceIdRatio,
    Sampler as Sampler,
    SamplingResult as SamplingResult,
    StaticSampler as StaticSampler,
    TraceIdRatioBased as TraceIdRatioBased,
    _AlwaysOff as _AlwaysOff,
    _AlwaysOn as _AlwaysOn,
    _get_from_env_or_default as _get_from_env_or_default,
    _get_parent_trace_state as _get_parent_trace_state,
    _ParentBasedAlwaysOff as _ParentBasedAlwaysOff,
    _ParentBasedAlwaysOn as _ParentBasedAlwaysOn,
)

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.context": "Context",
        "opentelemetry.sdk.environment_variables": "OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG",
        "opentelemetry.trace": "Link SpanKind TraceState get_current_span",
        "opentelemetry.util.types": "Attributes",
    },
    loggers=("_logger",),
)
