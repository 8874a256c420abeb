"""BatchSpanProcessor: collects ended spans and exports many at once.

An exporter that is wholly native gets a native queue and worker, and no Python runs between a
span's end and its arrival. Any other exporter gets a Python thread that calls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel.configuration import sdk
from oxitel.configuration.variable import say_once
from oxitel.export.batch import BatchProcessor
from oxitel.export.signal import TRACES

from .processor import SpanProcessor

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from .export import SpanExporter
    from .span import ReadableSpan


class BatchSpanProcessor(SpanProcessor):
    """Exports sampled spans in batches, in the background.

    What is None comes from OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BSP_SCHEDULE_DELAY,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE and OTEL_BSP_EXPORT_TIMEOUT. ValueError if an argument is not
    positive or the batch larger than the queue. `export_timeout_millis` bounds the time that
    `shutdown` takes to export what is left; where neither it nor its variable is set, an OTLP
    exporter's own timeout (10 s) does. Specification: "Batching processor".
    """

    def __init__(
        self,
        span_exporter: SpanExporter,
        max_queue_size: int | None = None,
        schedule_delay_millis: float | None = None,
        max_export_batch_size: int | None = None,
        export_timeout_millis: float | None = None,
        *,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        queue_size, batch_size = _sizes(max_queue_size, max_export_batch_size)
        delay: Any = schedule_delay_millis
        if delay is None:
            delay = sdk.BSP_SCHEDULE_DELAY.read()
        timeout: Any = export_timeout_millis
        if timeout is None:
            timeout = sdk.BSP_EXPORT_TIMEOUT.read()
        _validate(queue_size, delay, batch_size)

        self._exporter = span_exporter
        # Where nobody has asked for 30 s, shutdown does not outlast one export's time.
        is_asked_for = export_timeout_millis is not None or sdk.BSP_EXPORT_TIMEOUT.text()
        exporter_timeout = getattr(span_exporter, "_timeout", None)
        if not is_asked_for and isinstance(exporter_timeout, (int, float)):
            timeout = min(timeout, exporter_timeout * 1000)
        self._export_timeout_millis = timeout
        self._native: _native.BatchProcessor | None = None
        native_exporter = _native_exporter_of(span_exporter)
        if native_exporter is not None:
            self._native = _native.BatchProcessor(
                native_exporter, queue_size, float(delay), batch_size, float(timeout)
            )
            termination_limit = sdk.SIGTERM_FLUSH_TIMEOUT.read()
            if termination_limit > 0:
                self._native.flush_on_termination(float(termination_limit))
        else:
            self._batch_processor = BatchProcessor(
                span_exporter, delay, batch_size, timeout, queue_size, "Span"
            )
        self._is_shut_down = False
        if sdk.INTERNAL_METRICS_ENABLED.read():
            from oxitel.self_observability import observe_queue

            native = self._native
            counts = self._batch_processor.counts if native is None else native.counts
            observe_queue(TRACES, "batching_span_processor", meter_provider, queue_size, counts)

    @property
    def span_exporter(self) -> SpanExporter:
        """The exporter; calling it past the processor is not recommended."""
        return self._exporter

    def on_end(self, span: ReadableSpan) -> None:
        if not (span.context and span.context.trace_flags.sampled):
            return
        if self._native is not None:
            self._native.on_end(span)
        else:
            self._batch_processor.emit(span)

    def shutdown(self) -> None:
        """Export what is left, within the export timeout, and shut the exporter down."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        if self._native is None:
            self._batch_processor.shutdown(self._export_timeout_millis)
            return
        self._native.shutdown(float(self._export_timeout_millis))
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Export all spans that have ended; 30 s at most if no timeout is given.

        False if an export failed, if it took longer, or after shutdown.
        """
        if self._native is None:
            return self._batch_processor.force_flush(timeout_millis)
        if self._is_shut_down:
            return False
        return self._native.force_flush(
            30000.0 if timeout_millis is None else float(timeout_millis)
        )


def _sizes(max_queue_size: int | None, max_export_batch_size: int | None) -> tuple[int, int]:
    """The sizes of queue and batch. If both come from the environment they are made to fit."""
    queue_size: Any = max_queue_size
    if queue_size is None:
        queue_size = sdk.BSP_MAX_QUEUE_SIZE.read()
    batch_size: Any = max_export_batch_size
    if batch_size is None:
        batch_size = sdk.BSP_MAX_EXPORT_BATCH_SIZE.read()
        if max_queue_size is None and batch_size > queue_size:
            variable = sdk.BSP_MAX_EXPORT_BATCH_SIZE
            say_once(
                variable.name,
                str(batch_size),
                f"no more than {sdk.BSP_MAX_QUEUE_SIZE.name}",
                queue_size,
            )
            batch_size = queue_size
    return queue_size, batch_size


def _validate(queue_size: int, schedule_delay_millis: float, batch_size: int) -> None:
    if queue_size <= 0:
        raise ValueError("max_queue_size must be a positive integer.")
    if schedule_delay_millis <= 0:
        raise ValueError("schedule_delay_millis must be positive.")
    if batch_size <= 0:
        raise ValueError("max_export_batch_size must be a positive integer.")
    if batch_size > queue_size:
        raise ValueError("max_export_batch_size must be less than or equal to max_queue_size.")


def _native_exporter_of(exporter: object) -> _native.OtlpExporter | None:
    """The native part of one of our OTLP exporters, if nothing in Python takes part in exporting.

    Looked up without importing the exporters, which a program without them has no use for.
    """
    find = getattr(type(exporter), "_wholly_native", None)
    return None if find is None else find(exporter)
