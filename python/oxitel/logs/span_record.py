"""The log record that remembers the span that was current when it was made."""

from __future__ import annotations

import logging


class SpanLogRecord(logging.LogRecord):
    """A `logging.LogRecord` with `span_ids`: trace id and span id in hexadecimal, or None.

    The attribute is no part of `__dict__`, so that nobody takes it for an `extra=` field. It is
    copied and pickled with the record.
    """

    __slots__ = ("span_ids",)

    span_ids: tuple[str, str] | None
