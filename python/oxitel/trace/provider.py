"""TracerProvider: makes tracers, owns the resource and the processors."""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Callable
from logging import getLogger
from typing import TYPE_CHECKING

from opentelemetry import trace as trace_api
from opentelemetry.util.types import Attributes

from oxitel import _native, lifetime
from oxitel.export.batching import serve
from oxitel.official_name import official
from oxitel.propagation import global_textmap
from oxitel.resources.resource import Resource
from oxitel.scope import InstrumentationInfo, InstrumentationScope, RuleBasedConfigurator
from oxitel.variables import sdk

from . import sampling
from .id_generator import IdGenerator, RandomIdGenerator
from .limits import SpanLimits
from .processor import (
    ConcurrentMultiSpanProcessor,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

_logger = getLogger("opentelemetry.sdk.trace")


@official("opentelemetry.sdk.trace")
class _TracerConfig:
    """Whether a tracer makes spans. Official name: `opentelemetry.sdk.trace._TracerConfig`."""

    __slots__ = ("is_enabled",)

    def __init__(self, is_enabled: bool) -> None:
        self.is_enabled = is_enabled

    @classmethod
    def default(cls) -> _TracerConfig:
        return cls(is_enabled=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _TracerConfig) and other.is_enabled == self.is_enabled

    def __repr__(self) -> str:
        return f"_TracerConfig(is_enabled={self.is_enabled})"

    __hash__ = None  # type: ignore[assignment]


_TracerConfiguratorT = Callable[[InstrumentationScope], _TracerConfig]


_RuleBasedTracerConfigurator = RuleBasedConfigurator[_TracerConfig]


@official("opentelemetry.sdk.trace")
def _default_tracer_configurator(tracer_scope: InstrumentationScope) -> _TracerConfig:
    """Every tracer is enabled."""
    return _TracerConfig.default()


@official("opentelemetry.sdk.trace")
def _disable_tracer_configurator(tracer_scope: InstrumentationScope) -> _TracerConfig:
    """No tracer is enabled."""
    return _TracerConfig(is_enabled=False)


@official("opentelemetry.sdk.trace")
class Tracer(_native.Tracer, trace_api.Tracer):
    """Makes spans; native. Official name: `opentelemetry.sdk.trace.Tracer`."""

    @property
    def _tracer_config(self) -> _TracerConfig:
        return _TracerConfig(is_enabled=self._is_enabled())

    @_tracer_config.setter
    def _tracer_config(self, tracer_config: _TracerConfig) -> None:
        self._set_enabled(tracer_config.is_enabled)

    def _set_tracer_config(self, tracer_config: _TracerConfig) -> None:
        self._tracer_config = tracer_config

    def _set_resource(self, resource: Resource) -> None:
        self.resource = resource


@official("opentelemetry.sdk.trace")
class TracerProvider(trace_api.TracerProvider):
    """Makes tracers that record spans for its processors.

    What is None comes from the environment: the sampler from OTEL_TRACES_SAMPLER, the resource from
    OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME, the limits from OTEL_SPAN_*_LIMIT. With
    `shutdown_on_exit` the processors are shut down, and so flushed, when the interpreter ends.
    `meter_provider` is for the SDK's metrics about itself. Specification: trace SDK, "Tracer
    Provider".
    """

    def __init__(
        self,
        sampler: sampling.Sampler | None = None,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        active_span_processor: SynchronousMultiSpanProcessor
        | ConcurrentMultiSpanProcessor
        | None = None,
        id_generator: IdGenerator | None = None,
        span_limits: SpanLimits | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        _tracer_configurator: _TracerConfiguratorT | None = None,
    ) -> None:
        self._active_span_processor = active_span_processor or SynchronousMultiSpanProcessor()
        self.id_generator = RandomIdGenerator() if id_generator is None else id_generator
        self._resource = Resource.create({}) if resource is None else resource
        self.sampler = sampler or sampling._get_from_env_or_default()
        self._span_limits = span_limits or SpanLimits()
        self._disabled = sdk.SDK_DISABLED.read()
        self._meter_provider = meter_provider
        self._span_counts: _native.SpanCounts | None = None
        if sdk.INTERNAL_METRICS_ENABLED.read():
            from oxitel.self_observability.telemetry import span_counts

            self._span_counts = span_counts(meter_provider)
        self._tracer_configurator = _tracer_configurator or _default_tracer_configurator
        self._tracers_lock = threading.Lock()
        self._tracers: dict[InstrumentationScope, Tracer] = {}
        self._atexit_handler: Callable[[], None] | None = None
        if shutdown_on_exit:
            self._atexit_handler = lifetime.shut_down_at_exit(self)
        lifetime.watch(self)
        global_textmap.make_native()
        if "logfire" in sys.modules:
            from .installed_code import tell_logfire

            tell_logfire()

    @property
    def resource(self) -> Resource:
        """What all its spans are from."""
        _native.settle_fork()
        return self._resource

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> trace_api.Tracer:
        """The tracer of an instrumentation scope; the same for the same arguments."""
        # Instrumentations ask for theirs after the program has chosen its propagators.
        global_textmap.make_native()
        if self._disabled:
            return trace_api.NoOpTracer()
        if not instrumenting_module_name:
            instrumenting_module_name = ""
            _logger.error("get_tracer called with missing module name.")
        version = "" if instrumenting_library_version is None else instrumenting_library_version
        scope = InstrumentationScope(instrumenting_module_name, version, schema_url, attributes)
        # A class derived from this one may have a resource of its own. Not under the lock: in a
        # forked process the resource is renewed first, which takes it.
        resource = self.resource
        with self._tracers_lock:
            tracer = self._tracers.get(scope)
            if tracer is None:
                tracer = self._new_tracer(scope, _info_of(scope), resource)
                self._tracers[scope] = tracer
        return tracer

    def _new_tracer(
        self, scope: InstrumentationScope, info: InstrumentationInfo, resource: Resource
    ) -> Tracer:
        tracer = Tracer(
            self.sampler,
            resource,
            self._active_span_processor,
            self.id_generator,
            info,
            self._span_limits,
            scope,
            meter_provider=self._meter_provider,
            _tracer_config=self._apply_tracer_configurator(scope),
        )
        if self._span_counts is not None:
            tracer._count_in(self._span_counts)
        return tracer

    def _set_tracer_configurator(self, *, tracer_configurator: _TracerConfiguratorT) -> None:
        self._tracer_configurator = tracer_configurator
        with self._tracers_lock:
            for scope, tracer in self._tracers.items():
                tracer._set_tracer_config(self._apply_tracer_configurator(scope))

    def _apply_tracer_configurator(self, scope: InstrumentationScope) -> _TracerConfig:
        try:
            return self._tracer_configurator(scope)
        except Exception:
            _logger.exception(
                "Failed to create a Tracer Config for %s, using default Tracer config", scope
            )
            return _TracerConfig.default()

    def _hurry(self) -> None:
        lifetime.hurry(self._active_span_processor)

    def _renew_locks(self) -> None:
        self._tracers_lock = threading.Lock()

    def _update_resource(self, resource: Resource) -> None:
        with self._tracers_lock:
            self._resource = self._resource.merge(resource)
            for tracer in self._tracers.values():
                tracer._set_resource(self._resource)

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Have `span_processor` told of spans, after those that were added before it."""
        self._active_span_processor.add_span_processor(span_processor)
        serve(span_processor, self._resource)

    def shutdown(self) -> None:
        """Shut the processors down: what is queued is exported within their time limits."""
        self._active_span_processor.shutdown()
        if self._atexit_handler is not None:
            atexit.unregister(self._atexit_handler)
            self._atexit_handler = None

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Export what has ended. False if something was not delivered in `timeout_millis`."""
        return self._active_span_processor.force_flush(timeout_millis)


def _info_of(scope: InstrumentationScope) -> InstrumentationInfo:
    # Its constructor warns that it is deprecated, but it is not the user who calls it here.
    info = InstrumentationInfo.__new__(InstrumentationInfo)
    info._name, info._version = scope.name, scope.version
    # None too, as officially.
    info._schema_url = scope.schema_url  # type: ignore[assignment]
    return info
