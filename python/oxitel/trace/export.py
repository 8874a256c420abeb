"""SpanExporter, which users may subclass, the processor that exports each span as it ends, and
the exporters to the console and to memory. Official name: `opentelemetry.sdk.trace.export`.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from logging import getLogger
from os import linesep
from typing import IO, TYPE_CHECKING

from oxitel.diagnostics.duplicate_filter import DuplicateFilter
from oxitel.diagnostics.mixture import notice_exporter
from oxitel.export.signal import TRACES
from oxitel.export.suppression import Suppression
from oxitel.official_name import official
from oxitel.variables.sdk import INTERNAL_METRICS_ENABLED

from .processor import SpanProcessor

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from oxitel.self_observability.processor import ProcessedCounts

    from .span import ReadableSpan

_logger = getLogger("opentelemetry.sdk.trace.export")
# An exporter that fails would otherwise be told of with every span.
_logger.addFilter(DuplicateFilter())


@official("opentelemetry.sdk.trace.export")
class SpanExportResult(Enum):
    """How an export went."""

    SUCCESS = 0
    FAILURE = 1


@official("opentelemetry.sdk.trace.export")
class SpanExporter:
    """Sends ended spans somewhere. Used by a `BatchSpanProcessor` or a `SimpleSpanProcessor`,
    which call `export` of one exporter one at a time and log what it raises."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # type: ignore[empty-body]
        """Send the spans, and say whether that worked."""

    def shutdown(self) -> None:
        """No more spans come."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # type: ignore[empty-body]
        """Send what `export` has taken and kept, within `timeout_millis`."""


@official("opentelemetry.sdk.trace.export")
class SimpleSpanProcessor(SpanProcessor):
    """Exports each sampled span as it ends, on the thread that ended it."""

    def __init__(
        self, span_exporter: SpanExporter, *, meter_provider: MeterProvider | None = None
    ) -> None:
        notice_exporter(span_exporter)
        self.span_exporter = span_exporter
        self._shutdown = False
        self._processed: ProcessedCounts | None = None
        if INTERNAL_METRICS_ENABLED.read():
            from oxitel.self_observability import processor as self_metrics

            self._processed = self_metrics.ProcessedCounts(
                TRACES.name, "simple_span_processor", meter_provider
            )

    # Its own, as officially: what is put in the place of the base's is not called here.
    on_start = SpanProcessor.on_start
    _on_ending = SpanProcessor._on_ending

    def on_end(self, span: ReadableSpan) -> None:
        if not (span.context and span.context.trace_flags.sampled):
            return
        if self._shutdown:
            _logger.warning("Processor is already shutdown, ignoring call")
            if self._processed is not None:
                self._processed.add("already_shutdown")
            return
        if self._processed is not None:
            self._processed.add()
        with Suppression():
            try:
                self.span_exporter.export((span,))
            except Exception:
                _logger.exception("Exception while exporting Span.")

    def shutdown(self) -> None:
        self._shutdown = True
        self.span_exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here, so nothing is to be done."""
        return True


@official("opentelemetry.sdk.trace.export")
class ConsoleSpanExporter(SpanExporter):
    """Writes each span to `out` as `formatter` makes it: indented JSON by default."""

    def __init__(
        self,
        service_name: str | None = None,
        out: IO[str] = sys.stdout,
        formatter: Callable[[ReadableSpan], str] = lambda span: span.to_json() + linesep,
    ) -> None:
        self.out = out
        self.formatter = formatter
        self.service_name = service_name

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            self.out.write(self.formatter(span))
        self.out.flush()
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Every export has been flushed already."""
        return True


@official("opentelemetry.sdk.trace.export.in_memory_span_exporter")
class InMemorySpanExporter(SpanExporter):
    """Keeps the spans for tests to look at: all, or the newest `max_spans`."""

    def __init__(self, max_spans: int | None = None) -> None:
        self._finished_spans: deque[ReadableSpan] = deque(maxlen=max_spans)
        self._stopped = False
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget the spans."""
        with self._lock:
            self._finished_spans.clear()

    def get_finished_spans(self) -> tuple[ReadableSpan, ...]:
        """The spans in the order they were exported."""
        with self._lock:
            return tuple(self._finished_spans)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep the spans; FAILURE after `shutdown`."""
        if self._stopped:
            return SpanExportResult.FAILURE
        with self._lock:
            self._finished_spans.extend(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Take no more spans; those that are kept can still be had."""
        self._stopped = True

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here, so nothing is to be done."""
        return True
