"""Internals of the official SDK that other packages import all the same."""

from opentelemetry._logs import LogRecord as LogRecord

from oxitel.incidental import incidental
from oxitel.logs.handler import std_to_otel as std_to_otel
from oxitel.logs.limits import (
    _DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT as _DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT,
    LogDroppedAttributesWarning as LogDroppedAttributesWarning,
    LogLimits as LogLimits,
    LogRecordDroppedAttributesWarning as LogRecordDroppedAttributesWarning,
    LogRecordLimits as LogRecordLimits,
)
from oxitel.logs.processor import (
    ConcurrentMultiLogRecordProcessor as ConcurrentMultiLogRecordProcessor,
    LogRecordProcessor as LogRecordProcessor,
    SynchronousMultiLogRecordProcessor as SynchronousMultiLogRecordProcessor,
)
from oxitel.logs.provider import (
    Logger as Logger,
    LoggerProvider as LoggerProvider,
    _default_logger_configurator as _default_logger_configurator,
    _disable_logger_configurator as _disable_logger_configurator,
    _LoggerConfig as _LoggerConfig,
    _LoggerConfiguratorT as _LoggerConfiguratorT,
    _RuleBasedLoggerConfigurator as _RuleBasedLoggerConfigurator,
)
from oxitel.logs.record import (
    BytesEncoder as BytesEncoder,
    ReadableLogRecord as ReadableLogRecord,
    ReadWriteLogRecord as ReadWriteLogRecord,
)
from oxitel.logs.sdk_handler import LoggingHandler as LoggingHandler
from oxitel.resources.resource import Resource as Resource
from oxitel.scope import InstrumentationScope as InstrumentationScope

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry._logs": "NoOpLogger SeverityNumber get_logger get_logger_provider",
        "opentelemetry.context": "get_current",
        "oxitel.self_observability.telemetry": "create_logger_metrics",
    },
    loggers=("_logger",),
)
