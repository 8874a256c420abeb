"""What log records need of `opentelemetry-api` and its older versions do not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import context
from opentelemetry._logs import LoggerProvider, LogRecord
from opentelemetry.attributes import BoundedAttributes

# Since 1.40.
ON_EMIT_RECURSION_COUNT_KEY: str = getattr(
    context, "_ON_EMIT_RECURSION_COUNT_KEY", None
) or context.create_key("on_emit_recursion_count")

# Until 1.40 attributes hold bytes, mappings and None only if asked to.
_ALL_VALUES: dict[str, Any] = (
    {"extended_attributes": True} if hasattr(BoundedAttributes(), "_extended_attributes") else {}
)


def new_api_record(exception: BaseException | None = None, **fields: Any) -> LogRecord:
    """An API `LogRecord`. Only since 1.42 does its constructor take an exception."""
    record = LogRecord(**fields)
    record.exception = exception
    return record


def exception_of(record: LogRecord) -> BaseException | None:
    """The exception that the program gave with the record."""
    return getattr(record, "exception", None)


def serve_events(provider: LoggerProvider) -> None:
    """Have the API's events, which there were until 1.43, emitted by `provider`."""
    try:
        from .events import set_event_logger_provider
    except ImportError:
        # Also where an older API has left its module behind.
        return
    set_event_logger_provider(provider)


def bounded_attributes(
    most: int | None, attributes: Mapping[str, Any] | None, longest: int | None
) -> BoundedAttributes:
    """Attributes that may be changed: at most `most`, texts of at most `longest` characters."""
    return BoundedAttributes(
        most, attributes, immutable=False, max_value_len=longest, **_ALL_VALUES
    )
