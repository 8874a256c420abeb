"""What the batch processors of spans and log records have in common: their settings, and the choice
of the lane.

An exporter that is wholly native gets a native queue and worker, and no Python runs between a
record's end and its arrival. Any other exporter gets a Python thread that calls it; so does one
whose `export` is replaced later, and one that takes another's place.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from oxitel import _native
from oxitel.diagnostics.mixture import notice_exporter
from oxitel.lifetime import Waiting, export_millis
from oxitel.own_methods import is_own
from oxitel.quantity import seconds_of
from oxitel.variables import sdk
from oxitel.variables.variable import Integer, say_once

from .batch import BatchProcessor
from .buffer import settings

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from oxitel.resources.resource import Resource

    from .signal import Signal


class BatchVariables(NamedTuple):
    """The variables of a signal's batch processor."""

    schedule_delay: Integer
    export_timeout: Integer
    max_queue_size: Integer
    max_export_batch_size: Integer


class Batching:
    """A batch processor without the method that takes a record.

    A class of a signal has its `_variables`, the `_record` for messages, and the `_component` for
    the SDK's metrics about itself. The method hands the record to `_lane()` or, where that is None,
    to `_batch_processor`.
    """

    _signal: Signal
    _component: str
    _variables: BatchVariables
    _record: str

    def _set_up(
        self,
        exporter: Any,
        max_queue_size: int | None,
        schedule_delay_millis: float | None,
        max_export_batch_size: int | None,
        export_timeout_millis: float | None,
        meter_provider: MeterProvider | None,
    ) -> None:
        variables = self._variables
        native_exporter = native_exporter_of(exporter)
        if native_exporter is None:
            notice_exporter(exporter)
        queue_size, batch_size = _sizes(
            variables, max_queue_size, max_export_batch_size, native_exporter is not None
        )
        delay: Any = schedule_delay_millis
        if delay is None:
            delay = variables.schedule_delay.read()
        timeout: Any = export_timeout_millis
        if timeout is None:
            timeout = variables.export_timeout.read()
        _validate(queue_size, delay, batch_size)

        # Where nobody has asked for 30 s, shutdown does not outlast one export's time.
        is_asked_for = export_timeout_millis is not None or variables.export_timeout.text()
        if not is_asked_for:
            timeout = min(timeout, export_millis(exporter))
        self._export_timeout_millis = timeout
        self._native: _native.BatchProcessor | None = None
        buffer = settings() if native_exporter is not None else None
        if native_exporter is not None:
            self._native = _native.BatchProcessor(
                native_exporter,
                queue_size,
                seconds_of(delay) * 1000,
                batch_size,
                seconds_of(timeout) * 1000,
                buffer,
            )
            self._native_exporter = native_exporter
            termination_limit = sdk.SIGTERM_FLUSH_TIMEOUT.read()
            if termination_limit > 0 and not sdk.SDK_DISABLED.read():
                self._native.flush_on_termination(seconds_of(termination_limit) * 1000)
        # A queue that is bounded in bytes is the native one's.
        most_records = queue_size or max(variables.max_queue_size.read(), batch_size)
        self._batch_processor = BatchProcessor(
            exporter, delay, batch_size, timeout, most_records, self._record
        )
        self._own_batch_processor = self._batch_processor
        self._is_shut_down = False
        if sdk.INTERNAL_METRICS_ENABLED.read():
            from oxitel.self_observability.processor import observe_buffer, observe_queue

            attributes = observe_queue(
                self._signal.name, self._component, meter_provider, queue_size, self._counts
            )
            if buffer is not None:
                observe_buffer(self._signal.name, attributes, meter_provider, self._buffer_counts)

    def _parts(self) -> tuple[object, ...]:
        """What can be replaced, or have methods replaced, besides the processor itself."""
        return (self._batch_processor, getattr(self._batch_processor, "_exporter", None))

    def _lane(self) -> _native.BatchProcessor | None:
        """The native queue, if no Python takes part in exporting now."""
        batch_processor = self._batch_processor
        if self._native is None or batch_processor is not self._own_batch_processor:
            return None
        exporter = batch_processor._exporter
        if not is_own(batch_processor, "emit") or not is_own(batch_processor, "_export"):
            return None
        if native_exporter_of(exporter) is not self._native_exporter:
            return None
        return self._native

    def _counts(self) -> dict[str, int]:
        """How many records are queued, and what became of the others in this process."""
        counts = self._own_batch_processor.counts()
        if self._native is not None:
            for name, count in self._native.counts().items():
                counts[name] = counts.get(name, 0) + count
        return counts

    def _buffer_counts(self) -> dict[str, int]:
        """What is on disk, and what became of what was."""
        if self._native is None:
            return {}
        return {**self._native.buffer_counts(), "kept": self._native.counts()["kept"]}

    def _serve(self, resource: Resource) -> None:
        """These are going to be records of `resource`: what earlier processes of that service have
        left in the buffer is sent."""
        if self._native is not None:
            self._native.serve(resource)

    def shutdown(self) -> None:
        """Export what is left, within the export timeout, and shut the exporter down."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        with Waiting(self._export_timeout_millis) as timeout_millis:
            deadline = monotonic() + seconds_of(timeout_millis)
            if self._native is not None:
                self._native.shutdown(timeout_millis)
                timeout_millis = max(0.0, (deadline - monotonic()) * 1000)
            self._batch_processor.shutdown(timeout_millis)

    def _hurry(self) -> None:
        # Asking for a flush gets it going, also where nobody waits.
        self._flush(0)

    def _flush(self, timeout_millis: float) -> bool:
        """Export all that was taken so far; False if an export failed, if it took longer, or after
        shutdown."""
        if self._native is None:
            return self._batch_processor.force_flush(timeout_millis)
        if self._is_shut_down:
            return False
        deadline = monotonic() + seconds_of(timeout_millis)
        is_flushed = self._native.force_flush(seconds_of(timeout_millis) * 1000)
        if self._lane() is not None and not self._own_batch_processor.has_been_used():
            return is_flushed
        remaining_millis = max(0.0, (deadline - monotonic()) * 1000)
        return self._batch_processor.force_flush(remaining_millis) is not False and is_flushed


def serve(processor: object, resource: Resource) -> None:
    """Tell a processor whose records it is going to get, if it is one of ours."""
    if isinstance(processor, Batching):
        processor._serve(resource)


def _sizes(
    variables: BatchVariables,
    max_queue_size: int | None,
    max_export_batch_size: int | None,
    is_native: bool,
) -> tuple[int | None, int]:
    """The sizes of queue and batch. If both come from the environment they are made to fit.

    A native queue whose size nobody says is bounded by the bytes of its records: None.
    """
    queue_size: Any = max_queue_size
    if queue_size is None and (variables.max_queue_size.text() is not None or not is_native):
        queue_size = variables.max_queue_size.read()
    batch_size: Any = max_export_batch_size
    if batch_size is None:
        variable = variables.max_export_batch_size
        batch_size = variable.read()
        if max_queue_size is None and queue_size is not None and batch_size > queue_size:
            say_once(
                variable.name,
                str(batch_size),
                f"no more than {variables.max_queue_size.name}",
                queue_size,
            )
            batch_size = queue_size
    return queue_size, batch_size


def _validate(queue_size: int | None, schedule_delay_millis: float, batch_size: int) -> None:
    if queue_size is not None and queue_size <= 0:
        raise ValueError("max_queue_size must be a positive integer.")
    if schedule_delay_millis <= 0:
        raise ValueError("schedule_delay_millis must be positive.")
    if batch_size <= 0:
        raise ValueError("max_export_batch_size must be a positive integer.")
    if queue_size is not None and batch_size > queue_size:
        raise ValueError("max_export_batch_size must be less than or equal to max_queue_size.")


def native_exporter_of(exporter: object) -> _native.Exporter | None:
    """The native part of one of our OTLP exporters, if nothing in Python takes part in exporting.

    Looked up without importing the exporters, which a program without them has no use for.
    """
    find = getattr(type(exporter), "_wholly_native", None)
    return None if find is None else find(exporter)
