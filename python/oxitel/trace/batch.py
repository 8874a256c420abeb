"""BatchSpanProcessor: collects ended spans and exports many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxitel import _native
from oxitel.export.batching import Batching, BatchVariables
from oxitel.export.signal import TRACES
from oxitel.official_name import official
from oxitel.own_methods import done_natively
from oxitel.variables import sdk

from .processor import SpanProcessor

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from .export import SpanExporter
    from .span import ReadableSpan


@official("opentelemetry.sdk.trace.export")
@done_natively("on_start", "_on_ending", "on_end")
class BatchSpanProcessor(Batching, SpanProcessor):
    """Exports sampled spans in batches, in the background.

    What is None comes from OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BSP_SCHEDULE_DELAY,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE and OTEL_BSP_EXPORT_TIMEOUT. ValueError if an argument is not
    positive or the batch larger than the queue. `export_timeout_millis` bounds the time that
    `shutdown` takes to export what is left; where neither it nor its variable is set, an OTLP
    exporter's own timeout (10 s) does. Specification: "Batching processor".
    """

    _signal = TRACES
    _component = "batching_span_processor"
    _record = "Span"
    _variables = BatchVariables(
        sdk.BSP_SCHEDULE_DELAY,
        sdk.BSP_EXPORT_TIMEOUT,
        sdk.BSP_MAX_QUEUE_SIZE,
        sdk.BSP_MAX_EXPORT_BATCH_SIZE,
    )

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
        self._set_up(
            span_exporter,
            max_queue_size,
            schedule_delay_millis,
            max_export_batch_size,
            export_timeout_millis,
            meter_provider,
        )

    @property
    def span_exporter(self) -> SpanExporter:
        """The exporter; calling it past the processor is not recommended."""
        exporter: SpanExporter = self._batch_processor._exporter
        return exporter

    # Its own, as officially: what is put in the place of the base's is not called here.
    on_start = SpanProcessor.on_start
    _on_ending = SpanProcessor._on_ending

    def on_end(self, span: ReadableSpan) -> None:
        if not (span.context and span.context.trace_flags.sampled):
            return
        native = self._lane()
        if native is not None:
            _native.queue_span(native, span)
        else:
            self._batch_processor.emit(span)

    def shutdown(self) -> None:
        """Export what is left, within the export timeout, and shut the exporter down."""
        self._queue_ending()
        super().shutdown()

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Export all spans that have ended; 30 s at most if no timeout is given.

        False if an export failed, if it took longer, or after shutdown.
        """
        # Officially the timeout is not even looked at.
        return self._flush(timeout_millis if isinstance(timeout_millis, (int, float)) else 30000)

    def _flush(self, timeout_millis: float) -> bool:
        self._queue_ending()
        return super()._flush(timeout_millis)

    def _queue_ending(self) -> None:
        """Queue the spans that this thread is ending, when a processor calls this meanwhile."""
        if self._native is not None:
            _native.queue_ending_spans(self._native)
