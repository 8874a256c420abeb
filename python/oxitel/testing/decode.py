"""OTLP requests of other processes, as protobuf or JSON, read into the records that tests see."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from . import records

# Of each message the fields that are read: number → (name in OTLP/JSON, kind). A kind is one of
# those in `_scalar`, or the name of a message; with `*` there may be several.
_FIELDS: dict[str, dict[int, tuple[str, str]]] = {
    "traces": {1: ("resourceSpans", "ResourceSpans*")},
    "ResourceSpans": {1: ("resource", "Resource"), 2: ("scopeSpans", "ScopeSpans*")},
    "ScopeSpans": {1: ("scope", "Scope"), 2: ("spans", "Span*")},
    "logs": {1: ("resourceLogs", "ResourceLogs*")},
    "ResourceLogs": {1: ("resource", "Resource"), 2: ("scopeLogs", "ScopeLogs*")},
    "ScopeLogs": {1: ("scope", "Scope"), 2: ("logRecords", "LogRecord*")},
    "metrics": {1: ("resourceMetrics", "ResourceMetrics*")},
    "ResourceMetrics": {1: ("resource", "Resource"), 2: ("scopeMetrics", "ScopeMetrics*")},
    "ScopeMetrics": {1: ("scope", "Scope"), 2: ("metrics", "Metric*")},
    "Resource": {1: ("attributes", "KeyValue*")},
    "Scope": {1: ("name", "text")},
    "KeyValue": {1: ("key", "text"), 2: ("value", "AnyValue")},
    "AnyValue": {
        1: ("stringValue", "text"),
        2: ("boolValue", "bool"),
        3: ("intValue", "int"),
        4: ("doubleValue", "double"),
        5: ("arrayValue", "ArrayValue"),
        6: ("kvlistValue", "KeyValueList"),
        7: ("bytesValue", "bytes"),
    },
    "ArrayValue": {1: ("values", "AnyValue*")},
    "KeyValueList": {1: ("values", "KeyValue*")},
    "Span": {
        1: ("traceId", "id"),
        2: ("spanId", "id"),
        4: ("parentSpanId", "id"),
        5: ("name", "text"),
        6: ("kind", "int"),
        7: ("startTimeUnixNano", "fixed"),
        8: ("endTimeUnixNano", "fixed"),
        9: ("attributes", "KeyValue*"),
        11: ("events", "Event*"),
        13: ("links", "Link*"),
        15: ("status", "Status"),
    },
    "Event": {
        1: ("timeUnixNano", "fixed"),
        2: ("name", "text"),
        3: ("attributes", "KeyValue*"),
    },
    "Link": {1: ("traceId", "id"), 2: ("spanId", "id"), 4: ("attributes", "KeyValue*")},
    "Status": {2: ("message", "text"), 3: ("code", "int")},
    "LogRecord": {
        1: ("timeUnixNano", "fixed"),
        2: ("severityNumber", "int"),
        5: ("body", "AnyValue"),
        6: ("attributes", "KeyValue*"),
        9: ("traceId", "id"),
        10: ("spanId", "id"),
        11: ("observedTimeUnixNano", "fixed"),
        12: ("eventName", "text"),
    },
    "Metric": {
        1: ("name", "text"),
        3: ("unit", "text"),
        5: ("gauge", "Numbers"),
        7: ("sum", "Numbers"),
        9: ("histogram", "Histogram"),
        10: ("exponentialHistogram", "Exponential"),
        11: ("summary", "Summary"),
    },
    "Numbers": {1: ("dataPoints", "Number*")},
    "Histogram": {1: ("dataPoints", "HistogramPoint*")},
    "Exponential": {1: ("dataPoints", "ExponentialPoint*")},
    "Summary": {1: ("dataPoints", "SummaryPoint*")},
    "Number": {
        4: ("asDouble", "double"),
        6: ("asInt", "signed"),
        7: ("attributes", "KeyValue*"),
    },
    "HistogramPoint": {
        4: ("count", "fixed"),
        5: ("sum", "double"),
        9: ("attributes", "KeyValue*"),
        11: ("min", "double"),
        12: ("max", "double"),
    },
    "ExponentialPoint": {
        1: ("attributes", "KeyValue*"),
        4: ("count", "fixed"),
        5: ("sum", "double"),
        12: ("min", "double"),
        13: ("max", "double"),
    },
    "SummaryPoint": {
        4: ("count", "fixed"),
        5: ("sum", "double"),
        7: ("attributes", "KeyValue*"),
    },
}
# The lists in a metric, in OTLP/JSON, and what tests call the kind.
_METRIC_KINDS = {
    "gauge": "gauge",
    "sum": "sum",
    "histogram": "histogram",
    "exponentialHistogram": "exponential_histogram",
    "summary": "summary",
}
Records = list[records.Span] | list[records.LogRecord] | list[records.Metric]


def decoded(signal: str, body: bytes, is_json: bool) -> Records:
    """The records of a request; `signal` is one of traces, logs, metrics.

    Raises ValueError for bytes that are no such request.
    """
    try:
        document = json.loads(body) if is_json else _message(signal, memoryview(body))
        if signal == "traces":
            return list(_spans(document))
        return list(_logs(document)) if signal == "logs" else list(_metrics(document))
    except (AttributeError, IndexError, KeyError, TypeError, struct.error) as error:
        raise ValueError(f"no OTLP request: {error}") from error


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _message(kind: str, data: memoryview) -> dict[str, Any]:
    fields = _FIELDS[kind]
    message: dict[str, Any] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        raw: Any
        if wire == 0:
            raw, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            raw, at = data[at : at + size], at + size
        elif wire == 2:
            size, at = _varint(data, at)
            raw, at = data[at : at + size], at + size
        else:
            raise ValueError(f"wire type {wire}")
        if at > len(data):
            raise ValueError("a field beyond the end")
        known = fields.get(tag >> 3)
        if known is None:
            continue
        name, inner = known
        if inner.endswith("*"):
            message.setdefault(name, []).append(_message(inner[:-1], raw))
        elif inner in _FIELDS:
            message[name] = _message(inner, raw)
        else:
            message[name] = _scalar(inner, raw)
    return message


def _scalar(kind: str, raw: Any) -> Any:
    if kind == "text":
        return bytes(raw).decode(errors="replace")
    if kind == "id":
        return bytes(raw).hex()
    if kind == "bytes":
        return base64.b64encode(raw).decode()
    if kind == "bool":
        return raw != 0
    if kind == "int":
        return raw - (1 << 64) if raw >= 1 << 63 else raw
    [value] = struct.unpack({"fixed": "<Q", "signed": "<q", "double": "<d"}[kind], raw)
    return value


def _value(value: Mapping[str, Any]) -> Any:
    for kind, inner in value.items():
        if kind == "arrayValue":
            return tuple(_value(item) for item in inner.get("values", ()))
        if kind == "kvlistValue":
            return _attributes(inner.get("values", ()))
        if kind == "intValue":
            return int(inner)
        if kind == "doubleValue":
            return float(inner)
        return base64.b64decode(inner) if kind == "bytesValue" else inner
    return None


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.get("key", ""): _value(pair.get("value", {})) for pair in pairs}


def _each(
    document: Mapping[str, Any], of_resource: str, of_scope: str, items: str
) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Each item of a request, with what its resource and scope say of it."""
    for resource in document.get(of_resource, ()):
        attributes = _attributes(resource.get("resource", {}).get("attributes", ()))
        for scope in resource.get(of_scope, ()):
            told = {
                "resource": attributes,
                "service": str(attributes.get("service.name", records.UNKNOWN_SERVICE)),
                "scope": scope.get("scope", {}).get("name", ""),
            }
            for item in scope.get(items, ()):
                yield item, told


def _word(words: tuple[str, ...], number: int) -> str:
    return words[number] if 0 <= number < len(words) else words[0]


def _spans(document: Mapping[str, Any]) -> Iterator[records.Span]:
    for span, told in _each(document, "resourceSpans", "scopeSpans", "spans"):
        status = span.get("status", {})
        yield records.Span(
            name=span.get("name", ""),
            trace_id=span.get("traceId", "").lower(),
            span_id=span.get("spanId", "").lower(),
            parent_span_id=span.get("parentSpanId", "").lower() or None,
            kind=_word(records.KINDS, int(span.get("kind", 1)) - 1),
            status=_word(records.STATUSES, int(status.get("code", 0))),
            status_message=status.get("message", ""),
            start_unix_nanos=int(span.get("startTimeUnixNano", 0)),
            end_unix_nanos=int(span.get("endTimeUnixNano", 0)),
            attributes=_attributes(span.get("attributes", ())),
            events=tuple(
                records.Event(
                    event.get("name", ""),
                    int(event.get("timeUnixNano", 0)),
                    _attributes(event.get("attributes", ())),
                )
                for event in span.get("events", ())
            ),
            links=tuple(
                records.Link(
                    link.get("traceId", "").lower(),
                    link.get("spanId", "").lower(),
                    _attributes(link.get("attributes", ())),
                )
                for link in span.get("links", ())
            ),
            **told,
        )


def _logs(document: Mapping[str, Any]) -> Iterator[records.LogRecord]:
    for log, told in _each(document, "resourceLogs", "scopeLogs", "logRecords"):
        number = int(log.get("severityNumber", 0))
        time = int(log.get("timeUnixNano", 0)) or int(log.get("observedTimeUnixNano", 0))
        yield records.LogRecord(
            body=_value(log.get("body", {})),
            severity=records.severity_of(number),
            severity_number=number,
            attributes=_attributes(log.get("attributes", ())),
            time_unix_nanos=time,
            trace_id=log.get("traceId", "").lower() or None,
            span_id=log.get("spanId", "").lower() or None,
            event_name=log.get("eventName", ""),
            **told,
        )


def _metrics(document: Mapping[str, Any]) -> Iterator[records.Metric]:
    for metric, told in _each(document, "resourceMetrics", "scopeMetrics", "metrics"):
        for field, kind in _METRIC_KINDS.items():
            for point in metric.get(field, {}).get("dataPoints", ()):
                total = point.get("sum")
                value = point.get("asDouble", point.get("asInt", total))
                yield records.Metric(
                    name=metric.get("name", ""),
                    kind=kind,
                    unit=metric.get("unit", ""),
                    attributes=_attributes(point.get("attributes", ())),
                    value=int(value) if isinstance(value, str) else (value or 0),
                    count=int(point["count"]) if "count" in point else None,
                    sum=total,
                    min=point.get("min"),
                    max=point.get("max"),
                    **told,
                )
