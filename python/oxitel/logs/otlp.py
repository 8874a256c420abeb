"""What the OTLP exporters for log records over gRPC and HTTP have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oxitel import _native
from oxitel.export.otlp import OtlpExporter
from oxitel.export.signal import LOGS

from .exporter import LogRecordExporter, LogRecordExportResult


class OtlpLogRecords(OtlpExporter, LogRecordExporter):
    """The signal's part of an OTLP exporter for log records."""

    _signal = LOGS
    _result = LogRecordExportResult

    def _encode(self, records: list[Any]) -> bytes:
        return _native.encode_logs(records)

    def _send_natively(self, exporter: Any, records: list[Any], timeout_seconds: float) -> bool:
        return _native.export_logs(exporter, records)

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        """Send the records and wait for the answer, at most the exporter's timeout."""
        succeeded = self._deliver(list(batch))
        return LogRecordExportResult.SUCCESS if succeeded else LogRecordExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 10000) -> bool:
        """Nothing waits here, so nothing is to be done."""
        return True
