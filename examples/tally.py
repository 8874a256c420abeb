"""Counts the spans and log records of a process without trusting what exports them, so that the
demo can tell whether any was lost."""

from __future__ import annotations

import logging
import mmap
import os
import struct
import threading
from pathlib import Path

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

NUMBER = struct.Struct("<Q")


class Tally:
    """A count in a file mapped into memory: it stays there however the process ends.

    The file is `<service>-<pid>.<kind>`, one little-endian 64-bit number; `report.py` reads it.
    """

    def __init__(self, folder: str, service_name: str, kind: str) -> None:
        self._lock = threading.Lock()
        self._count = 0
        with open(Path(folder) / f"{service_name}-{os.getpid()}.{kind}", "w+b") as file:
            file.truncate(NUMBER.size)
            self._shared = mmap.mmap(file.fileno(), NUMBER.size)

    def add_one(self) -> None:
        with self._lock:
            self._count += 1
            NUMBER.pack_into(self._shared, 0, self._count)


class SpanTally(SpanProcessor):
    """Counts the spans that are sampled when they end."""

    def __init__(self, folder: str, service_name: str) -> None:
        self._tally = Tally(folder, service_name, "spans")

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        pass

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            self._tally.add_one()

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class LogTally(logging.Handler):
    """Counts the log records that reach the logger it is added to."""

    def __init__(self, folder: str, service_name: str) -> None:
        super().__init__()
        self._tally = Tally(folder, service_name, "logs")

    def emit(self, record: logging.LogRecord) -> None:
        self._tally.add_one()
