"""Official path of oxitel.logs."""

from oxitel.logs.limits import (
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
from oxitel.logs.provider import Logger as Logger, LoggerProvider as LoggerProvider
from oxitel.logs.record import (
    ReadableLogRecord as ReadableLogRecord,
    ReadWriteLogRecord as ReadWriteLogRecord,
)
from oxitel.logs.sdk_handler import LoggingHandler as LoggingHandler

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
