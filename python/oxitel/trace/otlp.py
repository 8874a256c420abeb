"""What the OTLP exporters for spans over gRPC and HTTP have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from oxitel import _native
from oxitel.export.otlp import OtlpExporter
from oxitel.export.signal import TRACES

from .export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from .span import ReadableSpan


class OtlpSpans(OtlpExporter, SpanExporter):
    """The signal's part of an OTLP exporter for spans."""

    _signal = TRACES
    _result = SpanExportResult

    def _encode(self, records: list[ReadableSpan]) -> bytes:
        return _native.encode_spans(records)

    def _send_natively(
        self,
        exporter: _native.Exporter,
        records: list[ReadableSpan],
        timeout_seconds: float,
    ) -> bool:
        return _native.export_spans(exporter, records)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans and wait for the answer, at most the exporter's timeout."""
        succeeded = self._deliver(list(spans))
        return SpanExportResult.SUCCESS if succeeded else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here, so nothing is to be done."""
        return True
