"""LoggerProvider: makes loggers, owns the resource and the processors."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from dataclasses import dataclass
from logging import getLogger
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from opentelemetry import _logs as logs_api
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.util.types import Attributes

from oxitel import _native, lifetime
from oxitel.export.batching import serve
from oxitel.official_name import official
from oxitel.own_methods import done_natively
from oxitel.resources.resource import Resource
from oxitel.scope import InstrumentationScope, RuleBasedConfigurator
from oxitel.variables import sdk

from .limits import LogRecordLimits
from .processor import (
    ConcurrentMultiLogRecordProcessor,
    LogRecordProcessor,
    SynchronousMultiLogRecordProcessor,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from oxitel.self_observability.telemetry import LoggerMetrics

_logger = getLogger("opentelemetry.sdk._logs._internal")


@official("opentelemetry.sdk._logs._internal")
@dataclass
class _LoggerConfig:
    """Whether a logger emits. Official name: `opentelemetry.sdk._logs._internal._LoggerConfig`."""

    is_enabled: bool = True

    @classmethod
    def default(cls) -> _LoggerConfig:
        return cls()


_LoggerConfiguratorT = Callable[[InstrumentationScope], _LoggerConfig]
_RuleBasedLoggerConfigurator = RuleBasedConfigurator[_LoggerConfig]


@official("opentelemetry.sdk._logs._internal")
def _default_logger_configurator(_logger_scope: InstrumentationScope) -> _LoggerConfig:
    """Every logger is enabled."""
    return _LoggerConfig.default()


@official("opentelemetry.sdk._logs._internal")
def _disable_logger_configurator(_logger_scope: InstrumentationScope) -> _LoggerConfig:
    """No logger is enabled."""
    return _LoggerConfig(is_enabled=False)


@official("opentelemetry.sdk._logs._internal")
@done_natively("emit")
class Logger(_native.Logger, logs_api.Logger):
    """Emits log records; native. Official name: `opentelemetry.sdk._logs.Logger`."""

    def __init__(
        self,
        resource: Resource,
        multi_log_record_processor: SynchronousMultiLogRecordProcessor
        | ConcurrentMultiLogRecordProcessor,
        instrumentation_scope: InstrumentationScope,
        *,
        logger_metrics: Any,
        log_record_limits: LogRecordLimits | None = None,
        _logger_config: _LoggerConfig,
    ) -> None:
        # What emits was made by the native class from the same arguments.
        logs_api.Logger.__init__(
            self,
            instrumentation_scope.name,
            instrumentation_scope.version,
            instrumentation_scope.schema_url,
            instrumentation_scope.attributes,
        )

    def enabled(
        self,
        *,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Whether a record like this would be of any use to a processor."""
        return self._is_enabled() and self._multi_log_record_processor.enabled(
            context=context,
            instrumentation_scope=self._instrumentation_scope,
            severity_number=severity_number,
            event_name=event_name,
        )

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """The scope it was made for."""
        return self._instrumentation_scope

    @property
    def resource(self) -> Resource:
        """Its provider's resource."""
        return self._resource

    def _set_logger_config(self, logger_config: _LoggerConfig) -> None:
        self._set_enabled(logger_config.is_enabled)

    def _set_resource(self, resource: Resource) -> None:
        self._resource = resource


@official("opentelemetry.sdk._logs._internal")
@done_natively("get_logger")
class LoggerProvider(logs_api.LoggerProvider):
    """Makes loggers that emit log records to its processors.

    What is None comes from the environment: the resource from OTEL_RESOURCE_ATTRIBUTES and
    OTEL_SERVICE_NAME, the limits from OTEL_LOGRECORD_*_LIMIT. With `shutdown_on_exit` the
    processors are shut down, and so flushed, when the interpreter ends. `meter_provider` is for
    the SDK's metrics about itself. Specification: logs SDK, "LoggerProvider".
    """

    def __init__(
        self,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        multi_log_record_processor: SynchronousMultiLogRecordProcessor
        | ConcurrentMultiLogRecordProcessor
        | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        log_record_limits: LogRecordLimits | None = None,
        _logger_configurator: _LoggerConfiguratorT | None = None,
    ) -> None:
        self._resource = Resource.create({}) if resource is None else resource
        self._multi_log_record_processor = (
            multi_log_record_processor or SynchronousMultiLogRecordProcessor()
        )
        self._disabled = sdk.SDK_DISABLED.read()
        self._logger_metrics: LoggerMetrics | None = None
        if sdk.INTERNAL_METRICS_ENABLED.read():
            from oxitel.self_observability import telemetry as self_metrics

            self._logger_metrics = self_metrics.LoggerMetrics(meter_provider)
        self._logger_configurator = _logger_configurator or _default_logger_configurator
        self._log_record_limits = log_record_limits or LogRecordLimits()
        self._logger_cache: dict[tuple[str, str | None, str | None], Logger] = {}
        self._active_loggers: WeakSet[Logger] = WeakSet()
        self._renew_locks()
        self._atexit_handler: Callable[[], None] | None = None
        if shutdown_on_exit:
            self._atexit_handler = lifetime.shut_down_at_exit(self)
        lifetime.watch(self)

    @property
    def resource(self) -> Resource:
        """What all its log records are from."""
        _native.settle_fork()
        return self._resource

    @property
    def _at_exit_handler(self) -> Callable[[], None] | None:
        return self._atexit_handler

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> logs_api.Logger:
        """The logger of an instrumentation scope; without attributes the same for the same
        arguments."""
        if self._disabled:
            return logs_api.NoOpLogger(name, version, schema_url, attributes)
        if attributes is not None:
            return self._new_logger(name, version, schema_url, attributes)
        key = (name, version, schema_url)
        logger = self._logger_cache.get(key)
        if logger is None:
            new = self._new_logger(name, version, schema_url, attributes)
            logger = self._logger_cache.setdefault(key, new)
        return logger

    def _new_logger(
        self, name: str, version: str | None, schema_url: str | None, attributes: Attributes
    ) -> Logger:
        scope = InstrumentationScope(name, version, schema_url, attributes)
        with self._active_loggers_lock:
            logger = Logger(
                self._resource,
                self._multi_log_record_processor,
                scope,
                logger_metrics=self._logger_metrics,
                log_record_limits=self._log_record_limits,
                _logger_config=self._apply_logger_configurator(scope),
            )
            self._active_loggers.add(logger)
        return logger

    def _set_logger_configurator(self, *, logger_configurator: _LoggerConfiguratorT) -> None:
        self._logger_configurator = logger_configurator
        with self._active_loggers_lock:
            for logger in list(self._active_loggers):
                logger._set_logger_config(
                    self._apply_logger_configurator(logger.instrumentation_scope)
                )

    def _apply_logger_configurator(
        self, instrumentation_scope: InstrumentationScope
    ) -> _LoggerConfig:
        try:
            return self._logger_configurator(instrumentation_scope)
        except Exception:
            _logger.exception(
                "logger configurator failed for scope '%s', using default config",
                instrumentation_scope.name,
            )
            return _LoggerConfig.default()

    def _hurry(self) -> None:
        lifetime.hurry(self._multi_log_record_processor)

    def _renew_locks(self) -> None:
        # A signal handler may log, and so make a logger, while this thread holds it.
        self._active_loggers_lock = threading.RLock()

    def _update_resource(self, resource: Resource) -> None:
        with self._active_loggers_lock:
            self._resource = self._resource.merge(resource)
            for logger in list(self._active_loggers):
                logger._set_resource(self._resource)

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Have `log_record_processor` told of records, after those that were added before it."""
        self._multi_log_record_processor.add_log_record_processor(log_record_processor)
        serve(log_record_processor, self._resource)

    def shutdown(self) -> None:
        """Shut the processors down: what is queued is exported within their time limits."""
        self._multi_log_record_processor.shutdown()
        if self._atexit_handler is not None:
            atexit.unregister(self._atexit_handler)
            self._atexit_handler = None

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Export what was emitted. False if something was not delivered in `timeout_millis`."""
        return self._multi_log_record_processor.force_flush(timeout_millis)
