"""The batch processor for exporters written in Python: one bounded queue and one thread.

What goes to exporters that are wholly native does not come here: the native worker makes its
batches.
Everything about the state is guarded by one condition; the exporter is called without it.
"""

from __future__ import annotations

import contextvars
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from enum import Enum
from logging import getLogger
from time import monotonic
from typing import Any

from oxitel.diagnostics.duplicate_filter import DuplicateFilter
from oxitel.lifetime import leave_to_parent
from oxitel.official_name import official
from oxitel.own_methods import done_natively
from oxitel.quantity import count_of, seconds_of

from .suppression import Suppression

_logger = getLogger("opentelemetry.sdk._shared_internal")
_logger.addFilter(DuplicateFilter())

# What became of records, as the native queue counts it. One that was handed to the exporter stays
# `submitted`; `refused` are those that the exporter failed on.
COUNTS = (
    "made",
    "submitted",
    "delivered",
    "refused",
    "unsent",
    "dropped_queue_full",
    "dropped_when_submitted",
    "dropped_after_shutdown",
    "withheld",
)
_FULL_QUEUE_WARNING_SECONDS = 20.0


@official("opentelemetry.sdk._shared_internal")
class BatchExportStrategy(Enum):
    """What is exported now: all, full batches only, or full batches and at least one."""

    EXPORT_ALL = 0
    EXPORT_WHILE_BATCH_EXCEEDS_THRESHOLD = 1
    EXPORT_AT_LEAST_ONE_BATCH = 2


@official("opentelemetry.sdk._shared_internal")
@done_natively("emit", "_export")
class BatchProcessor:
    """Collects telemetry and hands it to `exporter.export` in lists of `max_export_batch_size`.

    It exports as soon as that many wait, and every `schedule_delay_millis` whatever waits. When
    `max_queue_size` wait, the oldest is dropped for a new one. `exporting` names the telemetry in
    messages and in the thread's name. The thread starts with the first record; in a forked child
    the queue is empty and the thread starts anew.
    """

    def __init__(
        self,
        exporter: Any,
        schedule_delay_millis: float,
        max_export_batch_size: int,
        export_timeout_millis: float,
        max_queue_size: int,
        exporting: str,
        metrics: object = None,
    ) -> None:
        self._exporter = exporter
        self._schedule_delay_millis = schedule_delay_millis
        self._schedule_delay = seconds_of(schedule_delay_millis)
        self._max_export_batch_size = max(count_of(max_export_batch_size), 1)
        self._export_timeout_millis = export_timeout_millis
        self._max_queue_size = max_queue_size
        self._exporting = exporting
        self._shutdown = False
        self._reset()
        if hasattr(os, "register_at_fork"):
            reset = weakref.WeakMethod(self._reset)

            def reset_in_child() -> None:
                method = reset()
                if method is not None:
                    method()

            os.register_at_fork(after_in_child=reset_in_child)

    def _reset(self) -> None:
        """The state of a new process: whatever the parent held or had locked is left alone."""
        # Taken by itself where nobody is waited for: a condition's own `with` costs more.
        self._state_lock = threading.RLock()
        self._changed = threading.Condition(self._state_lock)
        self._export_lock = threading.Lock()
        # The newest at the left, as officially: others take from it, and add to it.
        self._queue: deque[Any] = _Queue(self)
        self._worker_thread: threading.Thread | None = None
        self._pid = os.getpid()
        # Records are numbered as they are taken; the queue holds the newest of them.
        self._accepted = 0
        self._exporting_from: int | None = None
        self._flush_until = 0
        self._failed_exports = 0
        self._counts = dict.fromkeys(COUNTS, 0)
        self._warned_at = float("-inf")

    def _first_pending(self) -> int:
        """The number of the oldest record that is not yet exported or dropped."""
        if self._exporting_from is not None:
            return self._exporting_from
        return self._accepted - len(self._queue)

    def emit(self, data: Any) -> None:
        """Take a record; returns at once."""
        if self._pid != os.getpid():
            # A fork that went past Python's hooks, as uWSGI's does.
            self._reset()
        with self._state_lock:
            self._counts["made"] += 1
            if not self._shutdown:
                is_full = len(self._queue) >= self._max_queue_size
                if is_full:
                    self._queue.pop()
                    self._counts["dropped_queue_full"] += 1
                deque.appendleft(self._queue, data)
                self._accepted += 1
                if self._worker_thread is None:
                    self._start_worker()
                if len(self._queue) >= self._max_export_batch_size:
                    self._changed.notify_all()
                if not is_full:
                    return
            else:
                self._counts["dropped_after_shutdown"] += 1
        if self._shutdown:
            _logger.info("Shutdown called, ignoring %s.", self._exporting)
        else:
            self._warn_of_full_queue()

    def _warn_of_full_queue(self) -> None:
        now = monotonic()
        if now - self._warned_at >= _FULL_QUEUE_WARNING_SECONDS:
            self._warned_at = now
            _logger.warning("Queue full, dropping %s.", self._exporting)

    def _start_worker(self) -> None:
        thread = threading.Thread(
            name=f"OtelBatch{self._exporting}RecordProcessor", target=self.worker, daemon=True
        )
        try:
            # In no context, which it would keep for ever where threads inherit theirs.
            contextvars.Context().run(thread.start)
        except RuntimeError:
            # No thread can be started, most likely as the interpreter ends: `force_flush` and
            # `shutdown` export on the thread that calls them.
            return
        self._worker_thread = thread

    def worker(self) -> None:
        """Export until shut down; the body of the thread."""
        changed = self._changed
        while True:
            with changed:
                strategy = self._wait_for_work(changed)
                is_last = self._shutdown
            self._export(strategy)
            with changed:
                # Ours has done so, but others may be in its place.
                changed.notify_all()
            if is_last:
                return

    def _wait_for_work(self, changed: threading.Condition) -> BatchExportStrategy:
        """Wait for a full batch, a flush, the delay or the end; what to export then."""
        deadline = monotonic() + self._schedule_delay
        while not self._shutdown and self._first_pending() >= self._flush_until:
            if len(self._queue) >= self._max_export_batch_size:
                return BatchExportStrategy.EXPORT_WHILE_BATCH_EXCEEDS_THRESHOLD
            remaining = deadline - monotonic()
            if remaining <= 0:
                return BatchExportStrategy.EXPORT_AT_LEAST_ONE_BATCH
            changed.wait(min(remaining, threading.TIMEOUT_MAX))
            if changed is not self._changed:
                leave_to_parent()
        return BatchExportStrategy.EXPORT_ALL

    def _export(self, batch_strategy: BatchExportStrategy) -> None:
        """Export full batches, and the rest of the queue as it is now unless only those are to be.

        Others put methods of their own here, which take from the queue until
        `_should_export_batch` says that it is enough.
        """
        with self._export_lock:
            is_rest = batch_strategy is not BatchExportStrategy.EXPORT_WHILE_BATCH_EXCEEDS_THRESHOLD
            last = self._accepted if is_rest else 0
            while batch := self._take_batch(last):
                succeeded = self._call_exporter(batch)
                with self._changed:
                    self._exporting_from = None
                    self._failed_exports += not succeeded
                    self._counts["delivered" if succeeded else "refused"] += len(batch)
                    self._changed.notify_all()

    def _take_batch(self, last: int) -> list[Any]:
        """The next batch, if it is a full one or has records that were taken before `last`."""
        with self._changed:
            size = min(self._max_export_batch_size, len(self._queue))
            first = self._first_pending()
            if size == 0 or (size < self._max_export_batch_size and first >= last):
                return []
            self._exporting_from = first
            self._counts["submitted"] += size
            return [self._queue.pop() for _ in range(size)]

    def _should_export_batch(
        self, batch_strategy: BatchExportStrategy, num_iterations: int
    ) -> bool:
        """Whether there is another batch to export, after so many: for an `_export` of others."""
        if len(self._queue) >= self._max_export_batch_size:
            return True
        if batch_strategy is BatchExportStrategy.EXPORT_AT_LEAST_ONE_BATCH:
            return bool(self._queue) and num_iterations == 0
        return bool(self._queue) and batch_strategy is BatchExportStrategy.EXPORT_ALL

    @property
    def _worker_awaken(self) -> _Awakening:
        return _Awakening(self)

    def _call_exporter(self, batch: list[Any]) -> bool:
        with Suppression():
            try:
                result = self._exporter.export(batch)
            except Exception:
                _logger.exception("Exception while exporting %s.", self._exporting)
                return False
        # By name, since the enumeration may be the one of another SDK in the same process.
        return getattr(result, "name", None) != "FAILURE"

    def force_flush(self, timeout_millis: float | None = None) -> bool:
        """Export all that was taken so far; 30 s at most if no timeout is given.

        False if an export failed, if it took longer, or after shutdown.
        """
        if self._pid != os.getpid():
            self._reset()
        if self._shutdown or threading.current_thread() is self._worker_thread:
            # The exporter, asking from inside its own export, would wait for itself.
            return False
        deadline = monotonic() + (30.0 if timeout_millis is None else seconds_of(timeout_millis))
        with self._changed:
            failed_before = self._failed_exports
            target = self._accepted
            self._flush_until = max(self._flush_until, target)
            self._changed.notify_all()
            while self._first_pending() < target and self._has_worker():
                remaining = deadline - monotonic()
                if remaining <= 0:
                    return False
                self._changed.wait(min(remaining, threading.TIMEOUT_MAX))
        if not self._has_worker():
            self._export(BatchExportStrategy.EXPORT_ALL)
        return self._failed_exports == failed_before

    def has_been_used(self) -> bool:
        """Whether it was given a record in this process."""
        return self._accepted > 0

    def counts(self) -> dict[str, int]:
        """How many records are queued, and what became of the others in this process."""
        return {**self._counts, "queued": len(self._queue)}

    def _has_worker(self) -> bool:
        return self._worker_thread is not None and self._worker_thread.is_alive()

    def shutdown(self, timeout_millis: float = 30000) -> None:
        """Export what is left within `timeout_millis`, then shut the exporter down with the rest
        of that time, if it takes a time."""
        if self._shutdown:
            return
        if self._pid != os.getpid():
            self._reset()
        deadline = monotonic() + seconds_of(timeout_millis)
        with self._changed:
            self._shutdown = True
            self._changed.notify_all()
        worker = self._worker_thread
        if worker is not None and worker is not threading.current_thread():
            worker.join(min(max(0.0, deadline - monotonic()), threading.TIMEOUT_MAX))
        if not self._has_worker():
            self._export(BatchExportStrategy.EXPORT_ALL)
        self._give_up_rest()
        self._shut_exporter_down(max(0.0, (deadline - monotonic()) * 1000))

    def _give_up_rest(self) -> None:
        """After this the worker calls the exporter no more."""
        with self._changed:
            self._counts["unsent"] += len(self._queue)
            if self._exporting_from is not None:
                self._counts["unsent"] += self._accepted - len(self._queue) - self._exporting_from
            self._queue.clear()
            counts = dict(self._counts)
            self._changed.notify_all()
        causes = {
            "the queue was full": counts["dropped_queue_full"],
            "the exporter failed": counts["refused"],
            "shutdown took too long": counts["unsent"],
        }
        lost = sum(causes.values())
        if lost:
            _logger.warning(
                "%d of %d records (%s) were not exported: %s.",
                lost,
                counts["made"],
                self._exporting,
                "; ".join(f"{cause} ({count})" for cause, count in causes.items() if count),
            )

    def _shut_exporter_down(self, remaining_millis: float) -> None:
        shutdown: Callable[..., None] = self._exporter.shutdown
        try:
            if takes_timeout(shutdown):
                shutdown(timeout_millis=remaining_millis)
            else:
                shutdown()
        except Exception:
            _logger.exception("Exception while shutting down the exporter of %s.", self._exporting)


class _Queue(deque[Any]):
    """The records of a batch processor; what others add to it is taken like any other."""

    def __init__(self, processor: BatchProcessor) -> None:
        super().__init__()
        self._processor = weakref.ref(processor)

    def appendleft(self, data: Any) -> None:
        processor = self._processor()
        if processor is not None:
            processor.emit(data)


class _Awakening:
    """Wakes the thread as the official event does that is called `_worker_awaken`."""

    def __init__(self, processor: BatchProcessor) -> None:
        self._changed = processor._changed

    def set(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def is_set(self) -> bool:
        return False

    def clear(self) -> None:
        """Nothing is to be done."""


def takes_timeout(shutdown: Callable[..., None]) -> bool:
    code = getattr(shutdown, "__code__", None)
    if code is not None:
        return "timeout_millis" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    from inspect import getfullargspec

    try:
        parameters = getfullargspec(shutdown)
    except TypeError:
        return False
    return "timeout_millis" in parameters.args or "timeout_millis" in parameters.kwonlyargs
