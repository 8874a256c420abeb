"""SpanProcessor, which users may subclass, and the two that forward to several others.

On the hot path native code calls the processors of a `SynchronousMultiSpanProcessor`; the methods
here are for callers in Python and mean the same. What a user's processor raises is logged, once
for each processor and method, and never reaches the code that made the span.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable
from logging import getLogger
from time import monotonic
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context

from oxitel import _native

if TYPE_CHECKING:
    from concurrent.futures import Future

    from .span import ReadableSpan, Span

_logger = getLogger("opentelemetry.sdk.trace")


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


class _Reported:
    """Logs an exception of a processor's method, the first time only."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, str]] = set()

    def log(self, processor: SpanProcessor, method: str) -> None:
        key = (id(processor), method)
        if key in self._seen:
            return
        self._seen.add(key)
        _logger.exception("Exception while calling %s of span processor %s.", method, processor)


class SynchronousMultiSpanProcessor(SpanProcessor):
    """Calls its processors one after the other, in the order they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reported = _Reported()
        self._pipeline = _native.Pipeline("traces")
        self._processors: tuple[SpanProcessor, ...] = ()

    @property
    def _span_processors(self) -> tuple[SpanProcessor, ...]:
        return self._processors

    @_span_processors.setter
    def _span_processors(self, processors: Iterable[SpanProcessor]) -> None:
        # Assigned to directly by programs that reorder or remove processors.
        self._processors = tuple(processors)
        self._pipeline.set_processors(self._processors)

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        with self._lock:
            self._span_processors = (*self._processors, span_processor)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        for processor in self._processors:
            try:
                processor.on_start(span, parent_context=parent_context)
            except Exception:
                self._reported.log(processor, "on_start")

    def _on_ending(self, span: Span) -> None:
        for processor in self._processors:
            try:
                processor._on_ending(span)
            except Exception:
                self._reported.log(processor, "_on_ending")

    def on_end(self, span: ReadableSpan) -> None:
        for processor in self._processors:
            try:
                processor.on_end(span)
            except Exception:
                self._reported.log(processor, "on_end")

    def shutdown(self) -> None:
        """Shut down every processor, also after one that raised."""
        for processor in self._processors:
            try:
                processor.shutdown()
            except Exception:
                self._reported.log(processor, "shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush every processor within one deadline for all of them.

        False if one failed or raised (the others are still flushed) or the deadline has passed
        (those that are left are not called).
        """
        deadline = monotonic() + timeout_millis / 1000
        all_flushed = True
        for processor in self._processors:
            remaining_millis = int((deadline - monotonic()) * 1000)
            if remaining_millis <= 0:
                return False
            try:
                if processor.force_flush(remaining_millis) is False:
                    all_flushed = False
            except Exception:
                self._reported.log(processor, "force_flush")
                all_flushed = False
        return all_flushed


class ConcurrentMultiSpanProcessor(SpanProcessor):
    """Calls its processors at the same time, in `num_threads` threads, and waits for all."""

    _span_processors: tuple[SpanProcessor, ...]

    def __init__(self, num_threads: int = 2) -> None:
        self._span_processors = ()
        self._lock = threading.Lock()
        self._reported = _Reported()
        self._init_executor(num_threads)
        if hasattr(os, "register_at_fork"):
            # Threads do not survive a fork.
            renew = weakref.WeakMethod(self._init_executor)

            def renew_in_child() -> None:
                method = renew()
                if method is not None:
                    method(num_threads)

            os.register_at_fork(after_in_child=renew_in_child)

    def _init_executor(self, num_threads: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(max_workers=num_threads)

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        with self._lock:
            self._span_processors += (span_processor,)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._call_all("on_start", span, parent_context=parent_context)

    def _on_ending(self, span: Span) -> None:
        self._call_all("_on_ending", span)

    def on_end(self, span: ReadableSpan) -> None:
        self._call_all("on_end", span)

    def shutdown(self) -> None:
        self._call_all("shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush all at the same time; False if one failed, raised or took too long."""
        from concurrent.futures import wait

        futures = self._submit_all("force_flush", timeout_millis)
        done, not_done = wait(futures, timeout_millis / 1000)
        return not not_done and all(future.result() is not False for future in done)

    def _call_all(self, method: str, *args: Any, **kwargs: Any) -> None:
        for future in self._submit_all(method, *args, **kwargs):
            future.result()

    def _submit_all(self, method: str, *args: Any, **kwargs: Any) -> list[Future[Any]]:
        return [
            self._submit(self._guarded(processor, method), *args, **kwargs)
            for processor in self._span_processors
        ]

    def _guarded(self, processor: SpanProcessor, method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return getattr(processor, method)(*args, **kwargs)
            except Exception:
                self._reported.log(processor, method)
                return False

        return call

    def _submit(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        from concurrent.futures import Future

        try:
            return self._executor.submit(call, *args, **kwargs)
        except RuntimeError:
            # The interpreter is ending and takes no more work for threads: do it here.
            future: Future[Any] = Future()
            future.set_result(call(*args, **kwargs))
            return future
