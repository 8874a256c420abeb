"""Raw OTLP requests to plain structures, by the official protobuf classes alone.

A plain message is a dict of the fields that are on the wire, by their protobuf names; bytes are
hexadecimal text with the prefix "0x", enumerations their names, non-finite doubles text.
"""

from __future__ import annotations

import gzip
import math
import zlib
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from .store import Request

_REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


def message_of(request: Request) -> Message:
    """The request's protobuf message. Raises DecodeError or ValueError for foreign bytes."""
    body = request.body
    if request.protocol == "http":
        encodings = [value for name, value in request.headers if name == "content-encoding"]
        for encoding in encodings:
            body = _decompressed(encoding, body)
    message = _REQUESTS[request.signal]()
    message.ParseFromString(body)
    return message


def _decompressed(encoding: str, body: bytes) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    if encoding == "zstd":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    if encoding in ("", "identity"):
        return body
    raise ValueError(f"content-encoding {encoding!r} is unknown to the receiver")


def record_count(request: Request) -> int:
    """Spans, log records or metrics in the request."""
    if request.record_count is None:
        message: Any = message_of(request)
        if request.signal == "traces":
            count = sum(len(s.spans) for r in message.resource_spans for s in r.scope_spans)
        elif request.signal == "logs":
            count = sum(len(s.log_records) for r in message.resource_logs for s in r.scope_logs)
        else:
            count = sum(len(s.metrics) for r in message.resource_metrics for s in r.scope_metrics)
        request.record_count = count
    return request.record_count


def plain_request(request: Request) -> dict[str, Any]:
    """The whole request as a plain message."""
    if request.decoded is None:
        request.decoded = plain(message_of(request))
    return request.decoded


def plain(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.is_repeated:
            fields[field.name] = [_plain_value(field, item) for item in value]
        else:
            fields[field.name] = _plain_value(field, value)
    return fields


def _plain_value(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return plain(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known is not None else value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def flat_spans(request: Request) -> list[dict[str, Any]]:
    """The request's spans, each with its resource and scope, attributes as simple dicts."""
    spans = []
    for resource_spans in plain_request(request).get("resource_spans", ()):
        resource = _attributes(resource_spans.get("resource", {}))
        for scope_spans in resource_spans.get("scope_spans", ()):
            scope = scope_spans.get("scope", {})
            for span in scope_spans.get("spans", ()):
                spans.append(_flat_span(span, resource, scope))
    return spans


def _flat_span(
    span: dict[str, Any], resource: dict[str, Any], scope: dict[str, Any]
) -> dict[str, Any]:
    flat = dict(span)
    for key in ("trace_id", "span_id", "parent_span_id"):
        flat[key] = span.get(key, "0x")[2:]
    flat["attributes"] = _attributes(span)
    flat["events"] = [event | {"attributes": _attributes(event)} for event in _list(span, "events")]
    flat["links"] = [
        link
        | {
            "attributes": _attributes(link),
            "trace_id": link.get("trace_id", "0x")[2:],
            "span_id": link.get("span_id", "0x")[2:],
        }
        for link in _list(span, "links")
    ]
    flat["kind"] = span.get("kind", "SPAN_KIND_UNSPECIFIED")
    flat["status"] = span.get("status", {})
    flat["resource"] = resource
    flat["scope"] = scope | {"attributes": _attributes(scope)}
    return flat


def _list(message: dict[str, Any], name: str) -> list[Any]:
    found: list[Any] = message.get(name, [])
    return found


def _attributes(message: dict[str, Any]) -> dict[str, Any]:
    return {
        pair.get("key", ""): _any_value(pair.get("value", {}))
        for pair in _list(message, "attributes")
    }


def _any_value(value: dict[str, Any]) -> Any:
    for kind, inner in value.items():
        if kind == "array_value":
            return [_any_value(item) for item in inner.get("values", ())]
        if kind == "kvlist_value":
            return {
                pair.get("key", ""): _any_value(pair.get("value", {}))
                for pair in inner.get("values", ())
            }
        return inner
    return None
