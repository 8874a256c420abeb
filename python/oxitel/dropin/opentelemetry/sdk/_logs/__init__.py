"""Official path of oxitel.logs."""

from opentelemetry.sdk._logs._internal import (
    ConcurrentMultiLogRecordProcessor as ConcurrentMultiLogRecordProcessor,
    LogDroppedAttributesWarning as LogDroppedAttributesWarning,
    Logger as Logger,
    LoggerProvider as LoggerProvider,
    LoggingHandler as LoggingHandler,
    LogLimits as LogLimits,
    LogRecordDroppedAttributesWarning as LogRecordDroppedAttributesWarning,
    LogRecordLimits as LogRecordLimits,
    LogRecordProcessor as LogRecordProcessor,
    ReadableLogRecord as ReadableLogRecord,
    ReadWriteLogRecord as ReadWriteLogRecord,
    SynchronousMultiLogRecordProcessor as SynchronousMultiLogRecordProcessor,
)

__all__ = [
    "ConcurrentMultiLogRecordProcessor",
    "LogDroppedAttributesWarning",
    "LogLimits",
    "LogRecordDroppedAttributesWarning",
    "LogRecordLimits",
    "LogRecordProcessor",
    "Logger",
    "LoggerProvider",
    "LoggingHandler",
    "ReadWriteLogRecord",
    "ReadableLogRecord",
    "SynchronousMultiLogRecordProcessor",
]
