"""BatchLogRecordProcessor: collects log records and exports many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxitel import _native
from oxitel.export.batching import Batching, BatchVariables
from oxitel.export.signal import LOGS
from oxitel.official_name import official
from oxitel.own_methods import done_natively
from oxitel.variables import sdk

from .processor import LogRecordProcessor

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from .exporter import LogRecordExporter
    from .record import ReadWriteLogRecord


@official("opentelemetry.sdk._logs._internal.export")
@done_natively("on_emit")
class BatchLogRecordProcessor(Batching, LogRecordProcessor):
    """Exports log records in batches, in the background.

    What is None comes from OTEL_BLRP_SCHEDULE_DELAY, OTEL_BLRP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BLRP_EXPORT_TIMEOUT and OTEL_BLRP_MAX_QUEUE_SIZE. ValueError if an argument is not
    positive or the batch larger than the queue. `export_timeout_millis` bounds the time that
    `shutdown` takes to export what is left; where neither it nor its variable is set, an OTLP
    exporter's own timeout (10 s) does. Specification: "Batching processor".
    """

    _signal = LOGS
    _component = "batching_log_processor"
    _record = "Log"
    _variables = BatchVariables(
        sdk.BLRP_SCHEDULE_DELAY,
        sdk.BLRP_EXPORT_TIMEOUT,
        sdk.BLRP_MAX_QUEUE_SIZE,
        sdk.BLRP_MAX_EXPORT_BATCH_SIZE,
    )

    def __init__(
        self,
        exporter: LogRecordExporter,
        schedule_delay_millis: float | None = None,
        max_export_batch_size: int | None = None,
        export_timeout_millis: float | None = None,
        max_queue_size: int | None = None,
        *,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self._set_up(
            exporter,
            max_queue_size,
            schedule_delay_millis,
            max_export_batch_size,
            export_timeout_millis,
            meter_provider,
        )

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        native = self._lane()
        if native is not None:
            _native.queue_log_record(native, log_record)
            return
        self._batch_processor.emit(_native.readable_log_record(log_record, kept=True))

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Export all records so far; False if that failed, took longer, or after shutdown."""
        return self._flush(timeout_millis)
