"""What child processes send, read: the same from protobuf and from JSON."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from oxitel.testing.decode import decoded

ENCODE = """
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

message = json_format.Parse(sys.stdin.read(), ExportTraceServiceRequest())
sys.stdout.buffer.write(message.SerializeToString())
"""
VALUE = {"kvlistValue": {"values": [{"key": "a", "value": {"doubleValue": 0.5}}]}}
SPAN = {
    # Protobuf's own JSON has base64 where OTLP's has hexadecimal digits.
    "traceId": "AQEBAQEBAQEBAQEBAQEBAQ==",
    "spanId": "AgICAgICAgI=",
    "name": "x",
    "kind": 3,
    "startTimeUnixNano": "5",
    "endTimeUnixNano": "9",
    "attributes": [
        {"key": "i", "value": {"intValue": "-3"}},
        {"key": "m", "value": VALUE},
    ],
    "status": {"code": 2, "message": "no"},
}


def request(span: dict[str, Any]) -> bytes:
    service = {"key": "service.name", "value": {"stringValue": "shop"}}
    scopes = [{"scope": {"name": "s"}, "spans": [span]}]
    resource_spans = {"resource": {"attributes": [service]}, "scopeSpans": scopes}
    return json.dumps({"resourceSpans": [resource_spans]}).encode()


@pytest.fixture
def encoded(official_python: Path) -> bytes:
    """The request as the official classes write it."""
    command = [official_python, "-c", ENCODE]
    done = subprocess.run(command, input=request(SPAN), check=True, capture_output=True, timeout=60)
    return done.stdout


def test_protobuf_and_json_are_read_the_same(encoded: bytes) -> None:
    [span] = decoded("traces", encoded, is_json=False)
    assert (span.trace_id, span.span_id, span.parent_span_id) == ("01" * 16, "02" * 8, None)
    assert (span.service, span.kind, span.scope) == ("shop", "client", "s")
    assert (span.status, span.status_message) == ("error", "no")
    assert span.attributes == {"i": -3, "m": {"a": 0.5}} and span.duration_nanos == 4
    in_json = SPAN | {"traceId": "01" * 16, "spanId": "02" * 8}
    assert decoded("traces", request(in_json), is_json=True) == [span]


def test_what_is_no_request_is_refused(encoded: bytes) -> None:
    for garbage in (b"\x0a\xff\xff", b"\x0f", b"\xff" * 20, encoded[:-1]):
        with pytest.raises(ValueError, match=r"."):
            decoded("traces", garbage, is_json=False)
    with pytest.raises(ValueError, match="no OTLP request"):
        decoded("traces", b"[1]", is_json=True)
