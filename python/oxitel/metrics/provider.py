"""MeterProvider: makes meters, owns the resource, the views and the readers."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Sequence
from logging import getLogger
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakSet

from opentelemetry import metrics as api
from opentelemetry.util.types import Attributes

from oxitel import _native, lifetime
from oxitel.official_name import official
from oxitel.quantity import seconds_of
from oxitel.resources.resource import Resource
from oxitel.scope import InstrumentationScope, RuleBasedConfigurator
from oxitel.variables import sdk

from . import exemplar
from .configuration import SdkConfiguration
from .meter import Meter, _MeterConfig
from .pipeline import Pipeline

if TYPE_CHECKING:
    from .exemplar import ExemplarFilter
    from .reader import MetricReader
    from .view import View

_logger = getLogger("opentelemetry.sdk.metrics._internal")

_MeterConfiguratorT = Callable[[InstrumentationScope], _MeterConfig]
_RuleBasedMeterConfigurator = RuleBasedConfigurator[_MeterConfig]


def _default_meter_configurator(_meter_scope: InstrumentationScope) -> _MeterConfig:
    """Every meter is enabled."""
    return _MeterConfig.default()


def _disable_meter_configurator(_meter_scope: InstrumentationScope) -> _MeterConfig:
    """No meter is enabled."""
    return _MeterConfig(is_enabled=False)


def _get_exemplar_filter(exemplar_filter: str) -> ExemplarFilter:
    """The filter of this name, as OTEL_METRICS_EXEMPLAR_FILTER has it."""
    if exemplar_filter == "trace_based":
        return exemplar.TraceBasedExemplarFilter()
    if exemplar_filter == "always_on":
        return exemplar.AlwaysOnExemplarFilter()
    if exemplar_filter == "always_off":
        return exemplar.AlwaysOffExemplarFilter()
    raise ValueError(f"Unknown exemplar filter '{exemplar_filter}'.")


@official("opentelemetry.sdk.metrics._internal")
class MeterProvider(api.MeterProvider):
    """Makes meters whose instruments its readers collect from.

    What is None comes from the environment: the resource from OTEL_RESOURCE_ATTRIBUTES and
    OTEL_SERVICE_NAME, the exemplar filter from OTEL_METRICS_EXEMPLAR_FILTER. With
    `shutdown_on_exit` the readers are shut down, and so flushed, when the interpreter ends.
    Raises Exception if a reader is a provider's already. Specification: metrics SDK,
    "MeterProvider".
    """

    _all_metric_readers_lock: ClassVar[threading.Lock] = threading.Lock()
    _all_metric_readers: ClassVar[WeakSet[MetricReader]] = WeakSet()

    def __init__(
        self,
        metric_readers: Sequence[MetricReader] = (),
        resource: Resource | None = None,
        exemplar_filter: ExemplarFilter | None = None,
        shutdown_on_exit: bool = True,
        views: Sequence[View] = (),
        *,
        _meter_configurator: _MeterConfiguratorT | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._meter_lock = threading.Lock()
        self._metric_readers = metric_readers
        configuration = SdkConfiguration(
            exemplar_filter or _get_exemplar_filter(sdk.METRICS_EXEMPLAR_FILTER.read()),
            Resource.create({}) if resource is None else resource,
            views,
        )
        self._measurement_consumer = Pipeline(configuration, metric_readers)
        self._disabled = sdk.SDK_DISABLED.read()
        self._meters: dict[InstrumentationScope, Meter] = {}
        self._shutdown = False
        self._meter_configurator = _meter_configurator or _default_meter_configurator
        for reader in metric_readers:
            with self._all_metric_readers_lock:
                if reader in self._all_metric_readers:
                    raise Exception(
                        f"MetricReader {reader} has been registered already in other"
                        " MeterProvider instance"
                    )
                self._all_metric_readers.add(reader)
            if self._disabled:
                # Nothing is measured, so there is nothing to collect and nothing to wait for.
                continue
            reader._set_collect_callback(self._measurement_consumer.collect)
            if hasattr(reader, "_set_meter_provider"):
                reader._set_meter_provider(self)
        self._atexit_handler: Callable[[], None] | None = None
        if shutdown_on_exit:
            self._atexit_handler = lifetime.shut_down_at_exit(self)
        lifetime.watch(self)

    @property
    def _sdk_config(self) -> SdkConfiguration:
        _native.settle_fork()
        return self._measurement_consumer.configuration

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> api.Meter:
        """The meter of an instrumentation scope; the same for the same arguments."""
        if self._disabled:
            return api.NoOpMeter(name, version=version, schema_url=schema_url)
        if self._shutdown:
            _logger.warning("A shutdown `MeterProvider` can not provide a `Meter`")
            return api.NoOpMeter(name, version=version, schema_url=schema_url)
        if not name:
            _logger.warning("Meter name cannot be None or empty.")
            return api.NoOpMeter(name, version=version, schema_url=schema_url)
        scope = InstrumentationScope(name, version, schema_url, attributes)
        _native.settle_fork()
        with self._meter_lock:
            meter = self._meters.get(scope)
            if meter is None:
                config = self._apply_meter_configurator(scope)
                meter = Meter(scope, self._measurement_consumer, _meter_config=config)
                self._meters[scope] = meter
        return meter

    def _set_meter_configurator(self, *, meter_configurator: _MeterConfiguratorT) -> None:
        with self._meter_lock:
            self._meter_configurator = meter_configurator
            for scope, meter in self._meters.items():
                meter._set_meter_config(self._apply_meter_configurator(scope))

    def _apply_meter_configurator(self, scope: InstrumentationScope) -> _MeterConfig:
        try:
            return self._meter_configurator(scope)
        except Exception:
            _logger.exception(
                "meter configurator failed for scope '%s', using default config", scope.name
            )
            return _MeterConfig.default()

    def _hurry(self) -> None:
        """Nothing is queued: what was measured is collected when the provider is shut down."""

    def _renew_locks(self) -> None:
        self._lock = threading.Lock()
        self._meter_lock = threading.Lock()
        type(self)._all_metric_readers_lock = threading.Lock()
        self._measurement_consumer.renew_locks()
        for meter in self._meters.values():
            meter._renew_locks()

    def _update_resource(self, resource: Resource) -> None:
        configuration = self._measurement_consumer.configuration
        configuration.resource = configuration.resource.merge(resource)

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Have `metric_reader` collect what is measured from now on. It is not flushed or shut
        down with the provider."""
        with self._all_metric_readers_lock:
            if metric_reader in self._all_metric_readers:
                _logger.warning("MetricReader '%s' has been registered already!", metric_reader)
                return
            self._measurement_consumer.add_metric_reader(metric_reader)
            metric_reader._set_collect_callback(self._measurement_consumer.collect)
            self._all_metric_readers.add(metric_reader)

    def remove_metric_reader(self, metric_reader: MetricReader) -> None:
        """Shut `metric_reader` down and forget it."""
        with self._all_metric_readers_lock:
            if metric_reader not in self._all_metric_readers:
                _logger.warning("MetricReader '%s' has not been registered!", metric_reader)
                return
            self._all_metric_readers.remove(metric_reader)
        self._measurement_consumer.remove_metric_reader(metric_reader)
        metric_reader._set_collect_callback(None)
        metric_reader.shutdown()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Have the readers collect and export, within `timeout_millis` for all of them.

        False if one of them failed, raised (which is logged) or did not get its turn in time.
        """
        if self._disabled:
            return True
        deadline = time.monotonic() + seconds_of(timeout_millis)
        all_flushed = True
        for reader in self._metric_readers:
            left_millis = (deadline - time.monotonic()) * 1000
            if left_millis <= 0:
                return False
            try:
                if reader.force_flush(timeout_millis=left_millis) is False:
                    all_flushed = False
            except Exception:
                _logger.exception("Exception while flushing %s", type(reader).__name__)
                all_flushed = False
        return all_flushed

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Shut the readers down; what they have is exported first. Raises Exception if one of them
        fails."""
        with self._lock:
            was_shut_down, self._shutdown = self._shutdown, True
        if was_shut_down:
            _logger.warning("shutdown can only be called once")
            return
        if self._atexit_handler is not None:
            atexit.unregister(self._atexit_handler)
            self._atexit_handler = None

        deadline = time.monotonic() + seconds_of(timeout_millis)
        failures = []
        for reader in self._metric_readers:
            try:
                left_millis = (deadline - time.monotonic()) * 1000
                if left_millis <= 0:
                    raise Exception("Didn't get to execute, deadline already exceeded")
                reader.shutdown(timeout_millis=left_millis)
            except Exception as error:
                failures.append(f"{type(reader).__name__}: {error!r}")
        if failures:
            raise Exception(
                "MeterProvider.shutdown failed because the following metric readers failed during"
                " shutdown:\n" + "\n".join(failures)
            )
