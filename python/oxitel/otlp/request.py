"""Records as an OTLP request.

Official names: `opentelemetry.exporter.otlp.proto.common.trace_encoder` and its siblings.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel.official_name import official

if TYPE_CHECKING:
    from oxitel.logs.record import ReadableLogRecord
    from oxitel.metrics.point import MetricsData
    from oxitel.trace.span import ReadableSpan


class EncodedRequest:
    """An encoded export request, or its answer, where the protobuf package is not installed."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def SerializeToString(self, **_: Any) -> bytes:
        return self._data

    def SerializePartialToString(self, **_: Any) -> bytes:
        return self._data

    def ByteSize(self) -> int:
        return len(self._data)


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


def as_request(data: bytes, signal: str) -> Any:
    """The encoded records of a signal (`traces`, `metrics`, `logs`) as its request."""
    return _message(data, signal, "Request")


def as_response(data: bytes, signal: str) -> Any:
    """The receiver's answer to such a request."""
    return _message(data, signal, "Response")


def _message(data: bytes, signal: str, kind: str) -> Any:
    package = signal.replace("traces", "trace")
    try:
        module = import_module(f"opentelemetry.proto.collector.{package}.v1.{package}_service_pb2")
    except ImportError:
        return EncodedRequest(data)
    return getattr(module, f"Export{package.capitalize()}Service{kind}").FromString(data)
