"""The log record that remembers the span that was current when it was made."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context


class SpanLogRecord(logging.LogRecord):
    """A `logging.LogRecord` with `span_ids`: trace id and span id in hexadecimal and the trace
    flags, or None.

    The attribute is no part of `__dict__`, so that nobody takes it for an `extra=` field. It is
    copied and pickled with the record.
    """

    __slots__ = ("span_ids",)

    span_ids: tuple[str, str, int] | None


def context_of(record: logging.LogRecord) -> Context:
    """The current context, with the span that `record` remembers instead of the current one."""
    from opentelemetry import context, trace

    current = context.get_current()
    remembered = _remembered(record)
    if remembered is None:
        return current
    trace_id, span_id, flags = remembered
    span = trace.get_current_span(current).get_span_context()
    if (span.trace_id, span.span_id) == (trace_id, span_id):
        return current
    made_under = trace.SpanContext(trace_id, span_id, False, trace.TraceFlags(flags))
    return trace.set_span_in_context(trace.NonRecordingSpan(made_under), current)


def _remembered(record: logging.LogRecord) -> tuple[int, int, int] | None:
    """Ids and flags, zeros where there was no span; None if the record does not know."""
    trace_id = getattr(record, "otelTraceID", None)
    span_id = getattr(record, "otelSpanID", None)
    flags = int(bool(getattr(record, "otelTraceSampled", False)))
    if trace_id is None or span_id is None:
        if not isinstance(record, SpanLogRecord):
            return None
        trace_id, span_id, flags = record.span_ids or ("0", "0", 0)
    try:
        return int(trace_id, 16), int(span_id, 16), flags
    except (TypeError, ValueError):
        # Attributes of these names that somebody else has set.
        return None
