"""Log records as processors and exporters written in Python see them.

Where there are none of these no such object is made: records are encoded natively.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import format_span_id, format_trace_id

from oxitel.official_name import official
from oxitel.resources.resource import Resource
from oxitel.scope import InstrumentationScope
from oxitel.trace.clock import ns_to_iso_str

from .limits import LogRecordLimits, warn_of_dropped_attributes
from .older_api import bounded_attributes, exception_of, new_api_record


@official("opentelemetry.sdk._logs._internal")
class BytesEncoder(json.JSONEncoder):
    """Writes bytes as base64."""

    def default(self, o: Any) -> Any:
        if isinstance(o, bytes):
            return b64encode(o).decode()
        return super().default(o)


def _dropped(record: LogRecord) -> int:
    attributes = record.attributes
    return attributes.dropped if isinstance(attributes, BoundedAttributes) else 0


@official("opentelemetry.sdk._logs._internal")
@dataclass(frozen=True)
class ReadableLogRecord:
    """A log record as exporters get it."""

    log_record: LogRecord
    resource: Resource
    instrumentation_scope: InstrumentationScope | None = None
    limits: LogRecordLimits | None = None

    @property
    def dropped_attributes(self) -> int:
        """How many attributes the limits have cost."""
        return _dropped(self.log_record)

    def to_json(self, indent: int | None = 4) -> str:
        """The record as JSON, with times as RFC 3339 and ids as hexadecimal text."""
        log = self.log_record
        severity = log.severity_number
        document = {
            "body": log.body,
            "severity_number": None if severity is None else severity.value,
            "severity_text": log.severity_text,
            "attributes": dict(log.attributes) if log.attributes else None,
            "dropped_attributes": self.dropped_attributes,
            "timestamp": None if log.timestamp is None else ns_to_iso_str(log.timestamp),
            "observed_timestamp": ns_to_iso_str(log.observed_timestamp),
            "trace_id": "" if log.trace_id is None else f"0x{format_trace_id(log.trace_id)}",
            "span_id": "" if log.span_id is None else f"0x{format_span_id(log.span_id)}",
            "trace_flags": log.trace_flags,
            "resource": json.loads(self.resource.to_json()),
            "event_name": log.event_name or "",
        }
        return json.dumps(document, indent=indent, cls=BytesEncoder)


def _default_resource() -> Resource:
    return Resource.create({})


@official("opentelemetry.sdk._logs._internal")
@dataclass
class ReadWriteLogRecord:
    """A log record as processors get it: they may change it for those that come after them."""

    log_record: LogRecord
    resource: Resource | None = field(default_factory=_default_resource)
    instrumentation_scope: InstrumentationScope | None = None
    limits: LogRecordLimits = field(default_factory=LogRecordLimits)

    def __post_init__(self) -> None:
        self.log_record.attributes = bounded_attributes(
            self.limits.max_log_record_attributes,
            self.log_record.attributes or None,
            self.limits.max_log_record_attribute_length,
        )
        if self.dropped_attributes > 0:
            try:
                warn_of_dropped_attributes()
            except UserWarning:
                # A filter of the program makes it an exception, which nobody could catch here.
                pass

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReadWriteLogRecord):
            return NotImplemented
        return self.__dict__ == other.__dict__

    @property
    def dropped_attributes(self) -> int:
        """How many attributes the limits have cost."""
        return _dropped(self.log_record)

    @classmethod
    def _from_api_log_record(
        cls,
        *,
        record: LogRecord,
        resource: Resource,
        instrumentation_scope: InstrumentationScope | None = None,
        limits: LogRecordLimits | None = None,
    ) -> ReadWriteLogRecord:
        return cls(record, resource, instrumentation_scope, limits or LogRecordLimits())


def new_record(
    resource: Resource,
    scope: InstrumentationScope,
    limits: LogRecordLimits,
    record: LogRecord | ReadWriteLogRecord | None = None,
    **fields: Any,
) -> ReadWriteLogRecord:
    """What the processors get for the arguments of `Logger.emit`. Called natively for records that
    are the provider's already, and for those with an exception."""
    if isinstance(record, ReadWriteLogRecord):
        log = record.log_record
        log.attributes = _with_exception(log.attributes, exception_of(log))
        return record
    if record is None:
        record = new_api_record(**fields)
        record.attributes = _with_exception(record.attributes, exception_of(record))
    elif exception_of(record) is not None:
        record = _copied(record)
    return ReadWriteLogRecord(record, resource, scope, limits)


def _copied(record: LogRecord) -> LogRecord:
    """A copy that says what the exception says; the program keeps its own record as it is."""
    from copy import copy

    result = copy(record)
    result.attributes = _with_exception(record.attributes, exception_of(record))
    return result


def _with_exception(attributes: Any, exception: BaseException | None) -> Any:
    """`attributes`, and what the exception says under names that they do not have."""
    if exception is None:
        return attributes
    own = exception_attributes(exception)
    if isinstance(attributes, BoundedAttributes):
        merged = bounded_attributes(attributes.maxlen, attributes, attributes.max_value_len)
        merged.dropped = attributes.dropped
        for key, value in own.items():
            if key not in merged:
                merged[key] = value
        return merged
    return own | dict(attributes or {})


def exception_attributes(exception: BaseException) -> dict[str, str]:
    """Semantic conventions, "Exceptions in logs"."""
    from traceback import format_exception

    cls = type(exception)
    is_plain = cls.__module__ in ("builtins", "", None)
    try:
        message = str(exception)
    except Exception:
        message = "<exception str() failed>"
    return {
        "exception.type": cls.__qualname__ if is_plain else f"{cls.__module__}.{cls.__qualname__}",
        "exception.message": message,
        "exception.stacktrace": "".join(format_exception(exception)),
    }
