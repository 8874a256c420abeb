"""Requests and their parts as messages of opentelemetry-proto: in the environment that has it, with
the official encoders and with ours in their place."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import oxitel

PROGRAM = """
import sys
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common._internal import (
    _encode_attributes,
    _encode_instrumentation_scope,
    _encode_key_value,
    _encode_resource,
    _encode_span_id,
    _encode_trace_id,
    _encode_value,
)
from opentelemetry.exporter.otlp.proto.common._internal.trace_encoder import (
    PB2SPan,
    _encode_resource_spans,
    _encode_span,
    encode_spans,
)
from opentelemetry.exporter.otlp.proto.http.metric_exporter import KeyValue
from opentelemetry.sdk.resources import Resource, ResourceAttributes
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

resource = Resource({ResourceAttributes.SERVICE_NAME: "shop"})
scope = InstrumentationScope("scope", "1", "https://example.org", {"a": 1})
span = ReadableSpan(
    "span",
    SpanContext(5, 6, False),
    resource=resource,
    attributes={"k": "v"},
    start_time=7,
    end_time=8,
    instrumentation_scope=scope,
)
for value in (None, True, "text", 5, 1.5, b"bytes", [1, "a"], {"k": {"l": [2]}}):
    print(MessageToDict(_encode_value(value)))
try:
    _encode_value(object())
except Exception as error:
    print(str(error)[:30])
print([MessageToDict(pair) for pair in _encode_attributes({"a": 1, "b": [2]})])
print(_encode_attributes(None), _encode_attributes({}))
print(MessageToDict(_encode_key_value("k", 1)), isinstance(_encode_key_value("k", 1), KeyValue))
print(MessageToDict(_encode_resource(resource)))
print(MessageToDict(_encode_instrumentation_scope(scope)), _encode_instrumentation_scope(None))
print(_encode_span_id(6), _encode_trace_id(5))
print(MessageToDict(_encode_span(span)), isinstance(_encode_span(span), PB2SPan))
print([MessageToDict(part) for part in _encode_resource_spans([span])])
request = encode_spans([span])
print(type(request).__name__, request.resource_spans[0].scope_spans[0].spans[0].name)
print(MessageToDict(request), len(request.SerializeToString()))
print("ours" if "oxitel" in sys.modules else "official", file=sys.stderr)
"""


def test_they_are_the_official_messages_with_the_same_content(official_python: Path) -> None:
    package = Path(oxitel.__file__).parent
    ours = os.pathsep.join([str(package.parent), str(package / "dropin")])
    said = []
    for variables in ({}, {"PYTHONPATH": ours}):
        process = subprocess.run(
            [str(official_python), "-c", PROGRAM],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **variables},
        )
        said.append((process.stdout.splitlines(), process.stderr.strip()))
    assert [stderr for _, stderr in said] == ["official", "ours"]
    assert said[0][0] == said[1][0]
