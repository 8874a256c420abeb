"""A few traces, log records and measurements as OTLP/JSON, with something secret and something slow
in them."""

from __future__ import annotations

import json
import time
from typing import Any

SECRET = "Bearer 6f1c2e"


def attributes(**values: Any) -> list[dict[str, Any]]:
    kinds = {bool: "boolValue", str: "stringValue", int: "intValue", float: "doubleValue"}
    return [
        {"key": key.replace("__", "."), "value": {kinds[type(value)]: value}}
        for key, value in values.items()
    ]


def span(
    trace: int, number: int, name: str, millis: float, parent: int = 0, **fields: Any
) -> dict[str, Any]:
    start = fields.pop("start", time.time_ns())
    made: dict[str, Any] = {
        "traceId": f"{trace:032x}",
        "spanId": f"{trace * 1000 + number:016x}",
        "name": name,
        "kind": fields.pop("kind", 1),
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + int(millis * 1e6)),
    }
    if parent:
        made["parentSpanId"] = f"{trace * 1000 + parent:016x}"
    return made | fields


def resource(service: str) -> dict[str, Any]:
    return {"attributes": attributes(service__name=service)}


def order(trace: int, millis: float, queries: int, error: bool = False) -> list[dict[str, Any]]:
    """The spans of a request that asks a database."""
    facts = {"http__route": "/orders", "http__request__header__authorization": SECRET}
    root = span(trace, 1, "POST /orders", millis, kind=2, attributes=attributes(**facts))
    if error:
        root["status"] = {"code": 2, "message": "sold out"}
    calls = [
        span(
            trace,
            2 + number,
            "SELECT items",
            millis / (queries + 1),
            parent=1,
            kind=3,
            start=int(root["startTimeUnixNano"]) + int(number * millis / (queries + 1) * 1e6),
            attributes=attributes(db__query__text="SELECT 1", tenant="slow" if error else "quick"),
        )
        for number in range(queries)
    ]
    return [root, *calls]


def traces(spans: list[dict[str, Any]], service: str = "shop") -> bytes:
    scopes = [{"scope": {"name": "sample"}, "spans": spans}]
    return json.dumps(
        {"resourceSpans": [{"resource": resource(service), "scopeSpans": scopes}]}
    ).encode()


def logs(trace: int, service: str = "shop") -> bytes:
    now = str(time.time_ns())
    record = {
        "timeUnixNano": now,
        "observedTimeUnixNano": now,
        "severityNumber": 13,
        "severityText": "WARNING",
        "body": {"stringValue": "order 17 refused"},
        "attributes": attributes(session_token=SECRET),
        "traceId": f"{trace:032x}",
        "spanId": f"{trace * 1000 + 1:016x}",
    }
    scopes = [{"scope": {"name": "sample"}, "logRecords": [record]}]
    return json.dumps(
        {"resourceLogs": [{"resource": resource(service), "scopeLogs": scopes}]}
    ).encode()


def metrics(service: str = "shop") -> bytes:
    now = time.time_ns()
    points = [
        {
            "startTimeUnixNano": str(now - 60_000_000_000),
            "timeUnixNano": str(now - 10_000_000_000 + step * 1_000_000_000),
            "asInt": str(step * 5),
            "attributes": attributes(outcome="taken"),
        }
        for step in range(10)
    ]
    counter = {
        "name": "shop.orders",
        "unit": "{order}",
        "sum": {"dataPoints": points, "aggregationTemporality": 2, "isMonotonic": True},
    }
    scopes = [{"scope": {"name": "sample"}, "metrics": [counter]}]
    return json.dumps(
        {"resourceMetrics": [{"resource": resource(service), "scopeMetrics": scopes}]}
    ).encode()


def everything() -> list[tuple[str, bytes]]:
    """Requests with their paths: ten quick orders, a slow one that failed, its log record, a
    counter."""
    requests = [("/v1/traces", traces(order(number, 20, 2))) for number in range(1, 11)]
    requests.append(("/v1/traces", traces(order(99, 900, 12, error=True))))
    return [*requests, ("/v1/logs", logs(99)), ("/v1/metrics", metrics())]
