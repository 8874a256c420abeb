"""LogRecordLimits: how much a log record may hold, and the warning where that was not enough."""

from __future__ import annotations

import warnings

from typing_extensions import deprecated

from oxitel.official_name import official
from oxitel.variables import sdk
from oxitel.variables.limit import UNSET, argument_or_variable

_DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT = 128


@official("opentelemetry.sdk._logs._internal")
class LogRecordDroppedAttributesWarning(UserWarning):
    """Attributes of a log record were dropped because of its limits. Shown once."""


warnings.simplefilter("once", LogRecordDroppedAttributesWarning)


@official("opentelemetry.sdk._logs._internal")
@deprecated(
    "Use LogRecordDroppedAttributesWarning. Since logs are not stable yet this WILL be removed in"
    " future releases."
)
class LogDroppedAttributesWarning(LogRecordDroppedAttributesWarning):
    """The older name of `LogRecordDroppedAttributesWarning`."""


def warn_of_dropped_attributes() -> None:
    """Warn, at the caller's line, that a record has lost attributes."""
    warnings.warn(
        "Log record attributes were dropped due to limits",
        LogRecordDroppedAttributesWarning,
        stacklevel=2,
    )


@official("opentelemetry.sdk._logs._internal")
class LogRecordLimits:
    """The limits of a provider's log records; it holds them and enforces nothing.

    Each argument is a non-negative integer, None (take the variable of the same meaning, else the
    default) or `LogRecordLimits.UNSET` (no limit). A limit for log records wins over the general
    one. ValueError for a negative argument; an unusable variable is named in a message and counts
    as unset. Specification: "Attribute limits", "LogRecord limits".
    """

    UNSET = UNSET

    def __init__(
        self,
        max_attributes: int | None = None,
        max_attribute_length: int | None = None,
        max_log_record_attributes: int | None = None,
        max_log_record_attribute_length: int | None = None,
    ) -> None:
        limit = argument_or_variable
        general = limit(max_attributes, sdk.ATTRIBUTE_COUNT_LIMIT, None)
        self.max_attributes = _DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT if general is None else general
        self.max_attribute_length = limit(
            max_attribute_length, sdk.ATTRIBUTE_VALUE_LENGTH_LIMIT, None
        )
        self.max_log_record_attributes = limit(
            max_log_record_attributes, sdk.LOGRECORD_ATTRIBUTE_COUNT_LIMIT, self.max_attributes
        )
        self.max_log_record_attribute_length = limit(
            max_log_record_attribute_length,
            sdk.LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT,
            self.max_attribute_length,
        )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(max_attributes={self.max_attributes},"
            f" max_attribute_length={self.max_attribute_length},"
            f" max_log_record_attributes={self.max_log_record_attributes},"
            f" max_log_record_attribute_length={self.max_log_record_attribute_length})"
        )


@official("opentelemetry.sdk._logs._internal")
@deprecated(
    "Use LogRecordLimits. Since logs are not stable yet this WILL be removed in future releases."
)
class LogLimits(LogRecordLimits):
    """The older name of `LogRecordLimits`."""
