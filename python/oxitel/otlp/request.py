"""Records as an OTLP request.

Official names: `opentelemetry.exporter.otlp.proto.common.trace_encoder` and its siblings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel.export.messages import as_request
from oxitel.official_name import official

if TYPE_CHECKING:
    from oxitel.logs.record import ReadableLogRecord
    from oxitel.metrics.point import MetricsData
    from oxitel.trace.span import ReadableSpan


@official("opentelemetry.exporter.otlp.proto.common._internal.trace_encoder")
def encode_spans(sdk_spans: Sequence[ReadableSpan]) -> Any:
    """The spans as an `ExportTraceServiceRequest` of opentelemetry-proto if that is installed,
    else as an object that can only be serialized."""
    return as_request(_native.encode_spans(list(sdk_spans)), "traces")


@official("opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder")
def encode_metrics(data: MetricsData) -> Any:
    """The metrics as an `ExportMetricsServiceRequest` of opentelemetry-proto if that is installed,
    else as an object that can only be serialized."""
    return as_request(_native.encode_metrics(data), "metrics")


@official("opentelemetry.exporter.otlp.proto.common._internal._log_encoder")
def encode_logs(batch: Sequence[ReadableLogRecord]) -> Any:
    """The log records as an `ExportLogsServiceRequest` of opentelemetry-proto if that is installed,
    else as an object that can only be serialized."""
    return as_request(_native.encode_logs(list(batch)), "logs")
