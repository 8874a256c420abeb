"""Spans, log records and metrics as tests see them, wherever they come from: plain and final."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")
UNKNOWN_SERVICE = "unknown_service"


@dataclass(frozen=True)
class Event:
    """Something that happened during a span."""

    name: str
    time_unix_nanos: int
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Link:
    """Another span that a span is related to; ids are hexadecimal texts."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """A span that has ended. Ids are hexadecimal texts, `parent_span_id` is None for a root; `kind`
    is one of internal, server, client, producer, consumer, `status` one of unset, ok, error."""

    name: str
    service: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    kind: str
    status: str
    status_message: str
    start_unix_nanos: int
    end_unix_nanos: int
    attributes: Mapping[str, Any]
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""

    @property
    def duration_nanos(self) -> int:
        return max(self.end_unix_nanos - self.start_unix_nanos, 0)

    @property
    def is_error(self) -> bool:
        return self.status == "error"

    @property
    def exception(self) -> str | None:
        """Type and message of the last exception that was recorded."""
        for event in reversed(self.events):
            if event.name == "exception":
                kind = event.attributes.get("exception.type", "")
                message = event.attributes.get("exception.message", "")
                return f"{kind}: {message}" if message else str(kind)
        return None


@dataclass(frozen=True)
class LogRecord:
    """A log record. `severity` is one of trace, debug, info, warn, error, fatal, or empty; ids are
    hexadecimal texts, or None outside a span."""

    body: Any
    service: str
    severity: str
    severity_number: int
    attributes: Mapping[str, Any]
    time_unix_nanos: int
    trace_id: str | None
    span_id: str | None
    event_name: str = ""
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""


@dataclass(frozen=True)
class Metric:
    """What was measured for one set of attributes: `value` of counters and gauges; of histograms
    `count`, `sum`, `min` and `max`, and `value` is the sum. `kind` is one of sum, gauge, histogram,
    exponential_histogram, summary."""

    name: str
    service: str
    kind: str
    unit: str
    attributes: Mapping[str, Any]
    value: float
    count: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""


def severity_of(number: int) -> str:
    """The name of a severity number (logs data model, "SeverityNumber")."""
    return SEVERITIES[(number - 1) // 4] if 1 <= number <= 24 else ""


def severity_number(name: str) -> int:
    """The first number of a severity, by its name or one that `logging` has for it.

    Raises ValueError for other names.
    """
    known = {"warning": "warn", "critical": "fatal"}
    plain = known.get(name.lower(), name.lower())
    if plain not in SEVERITIES:
        raise ValueError(f"{name!r} is no severity; there are {', '.join(SEVERITIES)}")
    return SEVERITIES.index(plain) * 4 + 1
