"""Requests and answers as messages of opentelemetry-proto, for programs that look at them."""

from __future__ import annotations

from importlib import import_module
from typing import Any


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
