"""Official path of oxitel.trace."""

from time import time_ns as time_ns
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import (
    Resource as Resource,
)
from opentelemetry.sdk.trace.id_generator import (
    IdGenerator as IdGenerator,
    RandomIdGenerator as RandomIdGenerator,
)
from opentelemetry.sdk.util.instrumentation import (
    InstrumentationInfo as InstrumentationInfo,
    InstrumentationScope as InstrumentationScope,
)

from oxitel.incidental import incidental
from oxitel.trace import clock
from oxitel.trace.event import (
    Event as Event,
    EventBase as EventBase,
)
from oxitel.trace.limits import (
    _DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT as _DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT,
    _DEFAULT_OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT as _DEFAULT_OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT,
    _DEFAULT_OTEL_LINK_ATTRIBUTE_COUNT_LIMIT as _DEFAULT_OTEL_LINK_ATTRIBUTE_COUNT_LIMIT,
    _DEFAULT_OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT as _DEFAULT_OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT,
    _DEFAULT_OTEL_SPAN_EVENT_COUNT_LIMIT as _DEFAULT_OTEL_SPAN_EVENT_COUNT_LIMIT,
    _DEFAULT_OTEL_SPAN_LINK_COUNT_LIMIT as _DEFAULT_OTEL_SPAN_LINK_COUNT_LIMIT,
    SPAN_ATTRIBUTE_COUNT_LIMIT as SPAN_ATTRIBUTE_COUNT_LIMIT,
    SpanLimits as SpanLimits,
    _UnsetLimits as _UnsetLimits,
)
from oxitel.trace.processor import (
    ConcurrentMultiSpanProcessor as ConcurrentMultiSpanProcessor,
    SpanProcessor as SpanProcessor,
    SynchronousMultiSpanProcessor as SynchronousMultiSpanProcessor,
)
from oxitel.trace.provider import (
    Tracer as Tracer,
    TracerProvider as TracerProvider,
    _default_tracer_configurator as _default_tracer_configurator,
    _disable_tracer_configurator as _disable_tracer_configurator,
    _RuleBasedTracerConfigurator as _RuleBasedTracerConfigurator,
    _TracerConfig as _TracerConfig,
    _TracerConfiguratorT as _TracerConfiguratorT,
)
from oxitel.trace.span import (
    ReadableSpan as ReadableSpan,
    Span as Span,
    _Span as _Span,
)

from . import (
    id_generator as id_generator,
    sampling as sampling,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.util import BoundedList as BoundedList
    from opentelemetry.sdk.util._configurator import RuleBasedConfigurator as RuleBasedConfigurator

clock.watch(__name__)

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.attributes": "BoundedAttributes",
        "opentelemetry.sdk.environment_variables": (
            "OTEL_ATTRIBUTE_COUNT_LIMIT OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"
            " OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"
            " OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED OTEL_SDK_DISABLED"
            " OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"
            " OTEL_SPAN_EVENT_COUNT_LIMIT OTEL_SPAN_LINK_COUNT_LIMIT"
        ),
        "opentelemetry.sdk.resources": "_get_process_dependent_resource",
        "opentelemetry.sdk.util": "BoundedList",
        "opentelemetry.sdk.util._configurator": "RuleBasedConfigurator",
        "opentelemetry.semconv.attributes.exception_attributes": (
            "EXCEPTION_ESCAPED EXCEPTION_MESSAGE EXCEPTION_STACKTRACE EXCEPTION_TYPE"
        ),
        "opentelemetry.trace": "NoOpTracer SpanContext Status StatusCode",
        "opentelemetry.util._decorator": "_agnosticcontextmanager",
        "typing_extensions": "deprecated",
    },
    modules={
        "context_api": "opentelemetry.context",
        "metrics_api": "opentelemetry.metrics",
        "trace_api": "opentelemetry.trace",
        "types": "opentelemetry.util.types",
        "util": "opentelemetry.sdk.util",
    },
    loggers=("logger",),
)
