"""PeriodicExportingMetricReader: one thread that collects and exports, again and again.

Only that thread calls the exporter (and whoever calls `collect`, one at a time), so a flush and a
shutdown wait for it no longer than they were told to. The thread waits for a native bell: locks of
Python's are replaced, also under whoever waits for one, where greenlets take the place of threads.
"""

from __future__ import annotations

import contextvars
import math
import os
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from logging import getLogger
from time import monotonic
from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel.diagnostics.mixture import notice_exporter
from oxitel.export import buffer
from oxitel.export.batch import takes_timeout
from oxitel.export.batching import native_exporter_of
from oxitel.export.suppression import Suppression
from oxitel.lifetime import Waiting, export_millis, leave_to_parent
from oxitel.official_name import official
from oxitel.quantity import seconds_of
from oxitel.variables import sdk
from oxitel.variables.variable import say_once

from .reader import MetricReader
from .timeout import MetricsTimeoutError

if TYPE_CHECKING:
    from .exporter import MetricExporter
    from .point import MetricsData

_logger = getLogger("opentelemetry.sdk.metrics._internal.export")
# How much later than asked a shutdown may return, for the thread to tell what was lost.
_GRACE_SECONDS = 0.1


class _ComponentType:
    """What `MetricReader` takes an official enumeration's member for."""

    value = "periodic_metric_reader"


class _Flush:
    """A flush that somebody waits for until `deadline`, and how it went once it is done."""

    __slots__ = ("bell", "deadline", "is_done", "succeeded")

    def __init__(self, deadline: float) -> None:
        self.bell = _native.Bell()
        self.deadline = deadline
        self.is_done = False
        self.succeeded = False


class _Thread(threading.Thread):
    """A thread that ends quietly when greenlets have taken the place of threads meanwhile: it is
    known by another number then."""

    def _delete(self) -> None:
        try:
            super()._delete()  # type: ignore[misc]
        except KeyError:
            threading._active.pop(self.ident, None)  # type: ignore[attr-defined]


@contextmanager
def _unlisted() -> Iterator[None]:
    """While it lasts `threading.enumerate()` does not have this thread, which only waits. gevent
    patches what is locked, the modules that are being imported among it, where it finds one thread
    alone; else their import, and so the program, would stop for good."""
    active = threading._active  # type: ignore[attr-defined]
    number = threading.get_ident()
    thread = active.pop(number, None)
    try:
        yield
    finally:
        if thread is not None:
            active[number] = thread


def _is_greenlet() -> bool:
    """Whether threads are greenlets, now."""
    return getattr(threading.get_ident, "__module__", None) != "_thread"


@official("opentelemetry.sdk.metrics._internal.export")
class PeriodicExportingMetricReader(MetricReader):
    """Collects every `export_interval_millis` and hands the metrics to `exporter.export`.

    What is None comes from OTEL_METRIC_EXPORT_INTERVAL and OTEL_METRIC_EXPORT_TIMEOUT. An interval
    of `math.inf` means that metrics are exported when they are flushed or collected only;
    ValueError if the interval is not positive. `export_timeout_millis` is for one collection with
    its export. Temporalities and aggregations are those that the exporter prefers. In a forked
    child the thread starts anew. Specification: "Periodic exporting MetricReader".
    """

    def __init__(
        self,
        exporter: MetricExporter,
        export_interval_millis: float | None = None,
        export_timeout_millis: float | None = None,
        cardinality_limits: Any = None,
    ) -> None:
        super().__init__(
            exporter._preferred_temporality,
            exporter._preferred_aggregation,
            cardinality_limits,
            otel_component_type=_ComponentType,
        )
        interval: Any = export_interval_millis
        if interval is None:
            interval = sdk.METRIC_EXPORT_INTERVAL.read()
        timeout: Any = export_timeout_millis
        if timeout is None:
            timeout = sdk.METRIC_EXPORT_TIMEOUT.read()
        if interval != interval:
            variable = sdk.METRIC_EXPORT_INTERVAL
            say_once(
                "export_interval_millis", str(interval), variable.expected, variable.used_instead()
            )
            interval = variable.default
        if not interval > 0:
            raise ValueError(f"interval value {interval} is invalid and has to be positive.")
        notice_exporter(exporter)
        self._exporter = exporter
        self._export_interval_millis = interval
        self._export_timeout_millis = timeout
        self._shutdown = False
        self._last: _native.LastMetrics | None = None
        self._kept = self._kept_in_buffer()
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
        self._pid = os.getpid()
        self._bell = _native.Bell()
        self._ending = threading.Lock()
        self._starting = threading.Lock()
        self._export_lock = threading.Lock()
        self._flushes: deque[_Flush] = deque()
        self._daemon_thread: threading.Thread | None = None
        self._shutdown_deadline = 0.0
        # Of the collection that the thread is at.
        self._deadline = math.inf
        self._export_succeeded = True
        if self._kept is not None:
            self._kept.renew()
        self._begin()

    def _begin(self) -> None:
        # One that nobody has use for, as where the SDK is disabled, has no thread.
        is_wanted = self._collect is not None and self._daemon_thread is None
        if is_wanted and not self._shutdown and self._export_interval_millis < math.inf:
            self._start_thread()

    def _start_thread(self) -> None:
        with self._starting:
            if not self._has_thread():
                self._start_new_thread()

    def _start_new_thread(self) -> None:
        thread = _Thread(name="OtelPeriodicExportingMetricReader", target=self._ticker, daemon=True)
        self._daemon_thread = thread
        try:
            # In no context, which it would keep for ever where threads inherit theirs.
            contextvars.Context().run(thread.start)
        except RuntimeError:
            # No thread can be started, most likely as the interpreter ends: `force_flush` and
            # `shutdown` export on the thread that calls them.
            self._daemon_thread = None

    def _has_thread(self) -> bool:
        return self._daemon_thread is not None and self._daemon_thread.is_alive()

    def _ticker(self) -> None:
        """Collect and export until shut down; the body of the thread."""
        interval = seconds_of(self._export_interval_millis)
        due = monotonic() + interval
        bell = self._bell
        wait = bell.wait_with_others if _is_greenlet() else bell.wait
        while True:
            heard = bell.count()
            while not (self._shutdown or self._flushes) and monotonic() < due:
                with _unlisted():
                    wait(heard, max(due - monotonic(), 0.0))
                if bell is not self._bell:
                    leave_to_parent()
                heard = bell.count()
            flushes = self._take_flushes()
            is_last = self._shutdown
            if flushes:
                self._finish(flushes)
            if is_last:
                if self._export_interval_millis < math.inf:
                    self._collect_until(self._shutdown_deadline, "")
                return
            if monotonic() >= due:
                deadline = monotonic() + seconds_of(self._export_timeout_millis)
                self._collect_until(deadline, f" Will try again after {interval} seconds")
                # Exports begin one interval after the other; those that are missed are left out.
                due = max(due + interval, monotonic())

    def _take_flushes(self) -> list[_Flush]:
        taken = []
        while self._flushes:
            taken.append(self._flushes.popleft())
        return taken

    def _finish(self, flushes: list[_Flush]) -> None:
        deadline = max(flush.deadline for flush in flushes)
        succeeded = self._flush_until(deadline)
        for flush in flushes:
            flush.succeeded = succeeded
            flush.is_done = True
            flush.bell.ring()

    def _flush_until(self, deadline: float) -> bool:
        """Collect, export, and have the exporter send what it holds; whether all that worked."""
        if not self._collect_until(deadline, ""):
            return False
        try:
            flushed: Any = self._exporter.force_flush(timeout_millis=_millis_until(deadline))
        except BaseException as error:
            self._survive(error, "Exception while flushing the exporter of metrics")
            return False
        return flushed is not False

    def _collect_until(self, deadline: float, outlook: str) -> bool:
        """Collect and export; whether that worked."""
        self._deadline = deadline
        self._export_succeeded = True
        try:
            self.collect(timeout_millis=_millis_until(deadline))
        except MetricsTimeoutError:
            _logger.warning("Metric collection timed out.%s", outlook, exc_info=True)
            return False
        except BaseException as error:
            self._survive(error, "Exception while collecting metrics")
            return False
        finally:
            self._deadline = math.inf
        return self._export_succeeded

    def _survive(self, error: BaseException, message: str) -> None:
        """Log what a callback or an exporter raised. Nothing that they do ends the thread; on a
        thread of the program's, its own interruptions are left alone."""
        if (
            not isinstance(error, Exception)
            and threading.current_thread() is not self._daemon_thread
        ):
            raise error
        _logger.error(message, exc_info=error)

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        deadline = monotonic() + seconds_of(timeout_millis)
        if threading.current_thread() is self._daemon_thread:
            # Collecting has used up some of the time.
            deadline = min(deadline, self._deadline)
        wait = min(max(deadline - monotonic(), 0.0), threading.TIMEOUT_MAX)
        if not self._export_lock.acquire(timeout=wait):
            self._export_succeeded = False
            _logger.warning("Metrics are dropped: another export of them has not ended in time.")
            return
        try:
            with Suppression():
                result = self._exporter.export(metrics_data, timeout_millis=_millis_until(deadline))
        except Exception:
            _logger.exception("Exception while exporting metrics")
            self._export_succeeded = False
        else:
            # By name, since the enumeration may be the one of another SDK in the same process.
            if getattr(result, "name", None) == "FAILURE":
                self._export_succeeded = False
            elif self._kept is not None:
                self._kept.clear()
        finally:
            self._export_lock.release()

    def _keep_for_termination(self, scope: Any, streams: list[Any], resource: Any) -> None:
        """What these streams have is exported when SIGTERM, unhandled, would end the process."""
        if self._shutdown:
            return
        if self._last is None:
            exporter = native_exporter_of(self._exporter)
            limit = sdk.SIGTERM_FLUSH_TIMEOUT.read()
            if exporter is None or (limit <= 0 and self._kept is None):
                return
            most = getattr(self._exporter, "_max_export_batch_size", None)
            self._last = _native.LastMetrics(exporter, most, seconds_of(max(limit, 0)) * 1000)
        self._last.add(scope, streams, resource)
        if self._kept is not None:
            self._kept.watch(self._last, resource)

    def _serve_buffer(self, resource: Any) -> None:
        if self._kept is not None:
            self._keep_for_termination(None, [], resource)

    def _kept_in_buffer(self) -> _native.KeptMetrics | None:
        """What the buffer does for these metrics, where there is one: requests that failed wait in
        it, and so do the last values of synchronous instruments, for when the process is killed."""
        exporter, settings = native_exporter_of(self._exporter), buffer.settings()
        if exporter is None or settings is None:
            return None
        most = getattr(self._exporter, "_max_export_batch_size", None)
        return _native.KeptMetrics(exporter, most, settings)

    def _renew_for_termination(self, all_streams: list[Any], resource: Any) -> None:
        if self._last is not None:
            self._last.clear()
            for scope, streams in all_streams:
                self._last.add(scope, streams, resource)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Collect and export now, and flush the exporter, within `timeout_millis`.

        False if any of that failed or took longer, or after shutdown.
        """
        if self._pid != os.getpid():
            # A fork that went past Python's hooks, as uWSGI's does.
            self._reset()
        if self._shutdown or threading.current_thread() is self._daemon_thread:
            # A callback or the exporter, asking from inside a collection, would wait for itself.
            return False
        flush = _Flush(monotonic() + seconds_of(timeout_millis))
        self._start_thread()
        self._flushes.append(flush)
        self._bell.ring()
        while not flush.is_done and self._has_thread():
            remaining = flush.deadline - monotonic()
            if remaining <= 0:
                return False
            # A thread that ends without a word is noticed within a second.
            flush.bell.wait_with_others(0, min(remaining, 1.0))
        if flush.is_done:
            return flush.succeeded
        try:
            self._flushes.remove(flush)
        except ValueError:
            return flush.succeeded
        return self._flush_until(flush.deadline)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Collect and export a last time, and shut the exporter down, within `timeout_millis`."""
        if self._pid != os.getpid():
            self._reset()
        with Waiting(timeout_millis, export_millis(self._exporter)) as millis:
            self._shut_down_until(monotonic() + millis / 1000)

    def _shut_down_until(self, deadline: float) -> None:
        if not self._shutdown and self._ending.acquire(blocking=False):
            self._shutdown_deadline = deadline
            self._shutdown = True
            self._bell.ring()
        else:
            _logger.warning("Can't shutdown multiple times")
            return
        thread = self._daemon_thread
        if thread is not None and self._has_thread():
            if thread is not threading.current_thread():
                left = max(0.0, deadline - monotonic()) + _GRACE_SECONDS
                thread.join(min(left, threading.TIMEOUT_MAX))
                if thread.is_alive():
                    _logger.warning("Shutdown took too long, the last metrics are dropped.")
        elif self._collect is not None and self._export_interval_millis < math.inf:
            self._collect_until(deadline, "")
        self._shut_exporter_down(_millis_until(deadline))
        if self._last is not None:
            self._last.forget()
        if self._kept is not None:
            self._kept.shutdown(_millis_until(deadline))

    def _shut_exporter_down(self, remaining_millis: float) -> None:
        shutdown = self._exporter.shutdown
        try:
            if takes_timeout(shutdown):
                shutdown(timeout_millis=remaining_millis)
            else:
                shutdown()
        except Exception:
            _logger.exception("Exception while shutting down the exporter of metrics")


def _millis_until(deadline: float) -> float:
    return max(0.0, (deadline - monotonic()) * 1000)
