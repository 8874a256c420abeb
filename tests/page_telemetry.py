"""Telemetry of known content as OTLP/JSON, sent to a viewer: operations of which some are slow for
a reason, two versions of a program, one trace of many spans, and texts that mean harm."""

from __future__ import annotations

import json
import time
from typing import Any

MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND
CLIENT, SERVER, INTERNAL = 3, 2, 1
# Markup, a closing of the element around it, an address that would run something, and a turn of
# direction: all of it is shown as it is.
HOSTILE = (
    "<img src=x onerror=document.title='taken'>",
    "</script><script>document.title='taken'</script>",
    "javascript:document.title='taken'",
    "\u202egnp.exe {{constructor.constructor('document.title=1')()}}",
)


def now() -> int:
    return time.time_ns()


def attribute(key: str, value: str | int | float | bool) -> dict[str, Any]:
    kinds = {bool: "boolValue", str: "stringValue", float: "doubleValue", int: "intValue"}
    return {"key": key, "value": {kinds[type(value)]: str(value) if type(value) is int else value}}


def span(
    trace: int,
    number: int,
    parent: int,
    name: str,
    start: int,
    duration: int,
    *,
    kind: int = INTERNAL,
    failure: str = "",
    attributes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "traceId": f"{trace:032x}",
        "spanId": f"{number:016x}",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + duration),
        "attributes": [attribute(key, value) for key, value in (attributes or {}).items()],
    }
    if parent:
        made["parentSpanId"] = f"{parent:016x}"
    if failure:
        made["status"] = {"code": 2, "message": failure}
    return made


def request(service: str, spans: list[dict[str, Any]]) -> dict[str, Any]:
    resource = {"attributes": [attribute("service.name", service)]}
    return {"resource": resource, "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}]}


def send(viewer: Any, *parts: dict[str, Any], signal: str = "traces") -> None:
    field = {"traces": "resourceSpans", "logs": "resourceLogs", "metrics": "resourceMetrics"}
    body = json.dumps({field[signal]: parts}).encode()
    status, answer = viewer.request("POST", f"/v1/{signal}", body, content_type="application/json")
    assert status == 200, answer


def send_checkouts(viewer: Any, count: int = 240) -> None:
    """Checkouts over four minutes. Every twelfth is slow, and of those all have the coupon."""
    began = now() - 240 * SECOND
    front, back = [], []
    for number in range(count):
        trace, base = 0xC0DE_0000 + number, 10 * number + 1
        is_slow = number % 12 == 7
        start = began + number * 240 * SECOND // count
        whole = (900 if is_slow else 20 + number % 9) * MILLISECOND
        known = {"coupon": "SUMMER" if is_slow else "none", "customer.id": f"c-{number % 40}"}
        failure = "no such coupon" if number % 60 == 7 else ""
        front += [
            span(
                trace,
                base,
                0,
                "POST /checkout",
                start,
                whole,
                kind=SERVER,
                failure=failure,
                attributes=known,
            ),
            span(
                trace,
                base + 1,
                base,
                "price",
                start + MILLISECOND,
                whole // 2,
                kind=CLIENT,
                attributes=known,
            ),
        ]
        back.append(
            span(
                trace,
                base + 2,
                base + 1,
                "GET /price",
                start + 2 * MILLISECOND,
                whole // 3,
                kind=SERVER,
            )
        )
    send(viewer, request("checkout", front), request("pricing", back))


def send_versions(
    viewer: Any, service: str, queries: int, *, first: int = 0, ago: int = 10, count: int = 12
) -> None:
    """Traces of one version of a program, which asks its database so many times."""
    began = now() - ago * SECOND
    spans = []
    for number in range(count):
        trace, base = (hash_of(service) << 32) + first + number, 1000 * (first + number) + 1
        start = began + number * 100 * MILLISECOND
        spans.append(
            span(trace, base, 0, "GET /stock", start, (5 + 3 * queries) * MILLISECOND, kind=SERVER)
        )
        spans += [
            span(
                trace,
                base + 1 + query,
                base,
                "SELECT stock",
                start + (1 + 3 * query) * MILLISECOND,
                2 * MILLISECOND,
                kind=CLIENT,
                attributes={"db.system.name": "sqlite"},
            )
            for query in range(queries)
        ]
    send(viewer, request(service, spans))


def hash_of(text: str) -> int:
    return sum(ord(letter) * 31**place for place, letter in enumerate(text)) % 2**31


def send_large(viewer: Any, count: int, trace: int = 0xB16) -> str:
    """One trace: a root, hundreds of jobs, and what they do, four levels deep. Its id."""
    start = now() - 60 * SECOND
    spans = [span(trace, 1, 0, "nightly run", start, 60 * SECOND, kind=SERVER)]
    while len(spans) < count:
        number = len(spans) + 1
        # Of every fifty: a job, seven steps, and six calls of each.
        place = (number - 2) % 50
        job = number - place
        step = job + 1 + (place - 1) // 7 * 7 if place else job
        parent = 1 if place == 0 else job if step == number else step
        begins = start + (number * 60 * SECOND) // (count + 100)
        length = (60 * SECOND // count) * (50 if place == 0 else 7 if step == number else 1)
        name = "job" if place == 0 else f"step {place // 7}" if step == number else "call"
        failure = "refused" if number % 9_973 == 0 else ""
        spans.append(span(trace, number, parent, name, begins, length, failure=failure))
    for first in range(0, count, 20_000):
        send(viewer, request("batch", spans[first : first + 20_000]))
    return f"{trace:032x}"


def send_hostile(viewer: Any) -> str:
    """One trace, a log record and a metric in which every text is one of `HOSTILE`. Its id."""
    trace, start = 0xBAD, now() - SECOND
    attributes = {f"{text}-key": text for text in HOSTILE}
    spans = [
        span(
            trace, 1 + number, number, text, start, SECOND // 2, failure=text, attributes=attributes
        )
        for number, text in enumerate(HOSTILE)
    ]
    for each in spans:
        each["events"] = [{"name": HOSTILE[0], "timeUnixNano": str(start), "attributes": []}]
    send(viewer, *(request(text, [each]) for text, each in zip(HOSTILE, spans, strict=True)))
    records = [
        {
            "timeUnixNano": str(start),
            "severityNumber": 17,
            "severityText": text,
            "body": {"stringValue": text},
            "traceId": f"{trace:032x}",
            "spanId": f"{1:016x}",
            "attributes": [attribute(text, text)],
        }
        for text in HOSTILE
    ]
    resource = {"attributes": [attribute("service.name", HOSTILE[0])]}
    scope = {"name": HOSTILE[1]}
    send(
        viewer,
        {"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": records}]},
        signal="logs",
    )
    point = {
        "asInt": "7",
        "timeUnixNano": str(now()),
        "attributes": [attribute(HOSTILE[2], HOSTILE[3])],
    }
    metric = {
        "name": HOSTILE[1],
        "description": HOSTILE[0],
        "unit": HOSTILE[2],
        "gauge": {"dataPoints": [point]},
    }
    send(
        viewer,
        {"resource": resource, "scopeMetrics": [{"scope": scope, "metrics": [metric]}]},
        signal="metrics",
    )
    return f"{trace:032x}"
