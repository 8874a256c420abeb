"""Official path of oxitel.trace."""

from oxitel.resources.resource import Resource as Resource
from oxitel.scope import (
    InstrumentationInfo as InstrumentationInfo,
    InstrumentationScope as InstrumentationScope,
)
from oxitel.scope_configurator import RuleBasedConfigurator as RuleBasedConfigurator
from oxitel.sequence import BoundedList as BoundedList
from oxitel.trace.event import (
    Event as Event,
    EventBase as EventBase,
)
from oxitel.trace.id_generator import (
    IdGenerator as IdGenerator,
    RandomIdGenerator as RandomIdGenerator,
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
