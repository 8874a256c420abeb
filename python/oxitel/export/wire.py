"""Reads the two small protobuf messages that come back from a receiver.

Only for exports through an object of the user's; the native exporters read them natively.
Whatever cannot be read counts as not there.
"""

from __future__ import annotations

from collections.abc import Iterator


def retry_delay_seconds(retry_info: bytes) -> float | None:
    """The delay of a `google.rpc.RetryInfo`."""
    for duration in _messages(retry_info, 1):
        values = dict(_fields(duration))
        seconds, nanos = values.get(1, 0), values.get(2, 0)
        if isinstance(seconds, int) and isinstance(nanos, int):
            return seconds + nanos / 1e9
    return None


def retry_info_of_status(status: bytes) -> bytes | None:
    """The `RetryInfo` among the details of a `google.rpc.Status`."""
    for detail in _messages(status, 3):
        fields = dict(_fields(detail))
        if fields.get(1) == b"type.googleapis.com/google.rpc.RetryInfo":
            value = fields.get(2, b"")
            return value if isinstance(value, bytes) else None
    return None


def partial_success(response: bytes) -> tuple[int, str] | None:
    """How many records an OTLP export response says were rejected, and its message."""
    for partial in _messages(response, 1):
        values = dict(_fields(partial))
        rejected, message = values.get(1, 0), values.get(2, b"")
        if isinstance(rejected, int) and isinstance(message, bytes) and (rejected or message):
            return rejected, message.decode("utf-8", "replace")
    return None


def _messages(data: bytes, number: int) -> list[bytes]:
    return [value for key, value in _fields(data) if key == number and isinstance(value, bytes)]


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field; stops where the bytes are no protobuf."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        value: int | bytes
        if kind == 0:
            value, position = _varint(data, position)
        else:
            if kind == 2:
                size, position = _varint(data, position)
            else:
                size = {1: 8, 5: 4}.get(kind, len(data) + 1)
            value = data[position : position + size]
            if len(value) != size:
                return
            position += size
        yield tag >> 3, value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(data[position : position + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, position + shift + 1
    return value, len(data)
