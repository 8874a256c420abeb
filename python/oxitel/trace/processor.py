"""SpanProcessor, which users may subclass, and the two that forward to several others.

On the hot path native code calls the processors of a `SynchronousMultiSpanProcessor`; the methods
here are for callers in Python and mean the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from logging import getLogger
from typing import TYPE_CHECKING

from opentelemetry.context import Context

from oxitel import _native
from oxitel.export.multi_processor import Concurrent, Sequential
from oxitel.official_name import official
from oxitel.own_methods import done_natively

if TYPE_CHECKING:
    from .span import ReadableSpan, Span

_logger = getLogger("opentelemetry.sdk.trace")


_TOLD = ("on_start", "_on_ending", "on_end")


@official("opentelemetry.sdk.trace")
@done_natively(*_TOLD)
class SpanProcessor:
    """Is told of spans as they start and end, on the thread where that happens.

    Its methods should neither block nor raise.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """`span` has just started and may still be changed."""

    def _on_ending(self, span: Span) -> None:
        """`span` is about to end and may still be changed."""

    def on_end(self, span: ReadableSpan) -> None:
        """`span` has just ended."""

    def shutdown(self) -> None:
        """The provider was shut down; no more spans come."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Export what has ended. False if that failed or took longer than `timeout_millis`."""
        return True


@official("opentelemetry.sdk.trace")
@done_natively(*_TOLD)
class SynchronousMultiSpanProcessor(Sequential, SpanProcessor):
    """Calls its processors one after the other, in the order they were added."""

    _logger = _logger
    _noun = "span processor"

    def __init__(self) -> None:
        super().__init__()
        self._pipeline = _native.Pipeline("traces", self)

    @property
    def _span_processors(self) -> tuple[SpanProcessor, ...]:
        return self._processors

    @_span_processors.setter
    def _span_processors(self, processors: Iterable[SpanProcessor]) -> None:
        # Assigned to directly by programs that reorder or remove processors.
        self._processors = tuple(processors)
        self._pipeline.update()

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Call this processor too from now on, after the others."""
        with self._lock:
            self._span_processors = (*self._processors, span_processor)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._call_each("on_start", span, parent_context=parent_context)

    def _on_ending(self, span: Span) -> None:
        self._hand_over("_on_ending", span)

    def on_end(self, span: ReadableSpan) -> None:
        self._hand_over("on_end", span)


@official("opentelemetry.sdk.trace")
class ConcurrentMultiSpanProcessor(Concurrent, SpanProcessor):
    """Calls its processors at the same time, in `num_threads` threads, and waits for all."""

    _logger = _logger
    _noun = "span processor"
    _span_processors: tuple[SpanProcessor, ...]

    def __init__(self, num_threads: int = 2) -> None:
        self._span_processors = ()
        super().__init__(num_threads)

    def _all(self) -> tuple[SpanProcessor, ...]:
        return self._span_processors

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Call this processor too from now on, at the same time as the others."""
        with self._lock:
            self._span_processors += (span_processor,)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._call_all("on_start", span, parent_context=parent_context)

    def _on_ending(self, span: Span) -> None:
        self._hand_over("_on_ending", span)

    def on_end(self, span: ReadableSpan) -> None:
        self._hand_over("on_end", span)
