"""Spans as an OTLP request.

Official name: `opentelemetry.exporter.otlp.proto.common.trace_encoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from oxitel import _native

if TYPE_CHECKING:
    from oxitel.trace.span import ReadableSpan


class EncodedRequest:
    """An encoded `ExportTraceServiceRequest`, where the protobuf package is not installed."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def SerializeToString(self, **_: Any) -> bytes:
        return self._data

    def SerializePartialToString(self, **_: Any) -> bytes:
        return self._data

    def ByteSize(self) -> int:
        return len(self._data)


def encode_spans(sdk_spans: Sequence[ReadableSpan]) -> Any:
    """The spans as an `ExportTraceServiceRequest` of opentelemetry-proto if that is installed,
    else as an object that can only be serialized."""
    data = _native.encode_spans(list(sdk_spans))
    try:
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
    except ImportError:
        return EncodedRequest(data)
    return trace_service_pb2.ExportTraceServiceRequest.FromString(data)
