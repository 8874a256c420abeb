"""Answers that need the official protobuf classes: partial success and RetryInfo."""

from __future__ import annotations

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse


def partial_success(signal: str, rejected: int, message: str) -> bytes:
    """An answer that says `rejected` records were not taken."""
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        traces.partial_success.rejected_spans = rejected
        traces.partial_success.error_message = message
        return traces.SerializeToString()
    if signal == "metrics":
        metrics = ExportMetricsServiceResponse()
        metrics.partial_success.rejected_data_points = rejected
        metrics.partial_success.error_message = message
        return metrics.SerializeToString()
    logs = ExportLogsServiceResponse()
    logs.partial_success.rejected_log_records = rejected
    logs.partial_success.error_message = message
    return logs.SerializeToString()


def retry_metadata(
    code: int, message: str, retry_delay: float, where: list[str]
) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata that asks to wait `retry_delay` seconds.

    `details` is the place the OTLP specification names (`google.rpc.Status`), `trailer` the one
    that the official exporter reads.
    """
    seconds = int(retry_delay)
    delay = Duration(seconds=seconds, nanos=round((retry_delay - seconds) * 1e9))
    retry_info = RetryInfo(retry_delay=delay)
    trailers = []
    if "details" in where:
        detail = AnyMessage()
        detail.Pack(retry_info)
        status = Status(code=code, message=message, details=[detail])
        trailers.append(("grpc-status-details-bin", status.SerializeToString()))
    if "trailer" in where:
        trailers.append(("google.rpc.retryinfo-bin", retry_info.SerializeToString()))
    return tuple(trailers)
