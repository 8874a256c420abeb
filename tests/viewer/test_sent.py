"""How answers are sent: a trace packed for the page is the one that is told as JSON, and other
machines get answers in gzip."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest

from page_telemetry import MILLISECOND, SECOND, now, request, send, span

WIDE = ("offset_nanos", "duration_nanos", "self_nanos", "critical_nanos")
NARROW = ("parent", "end", "depth", "service", "name", "log_records")
SMALL = ("kind", "status", "mark")


def send_odd(viewer: Any) -> str:
    """A trace of two services with a failure, a missing parent, no end, and the longest id."""
    start = now() - 10 * SECOND
    shop = [
        span(7, 1, 0, "GET /", start, SECOND, kind=2),
        span(7, 2**64 - 1, 1, "ä", start + MILLISECOND, 90 * MILLISECOND, kind=3, failure="no"),
        span(7, 3, 1, "tail", start + 500 * MILLISECOND, 400 * MILLISECOND),
        span(7, 4, 0x99, "orphan", start + MILLISECOND, MILLISECOND),
    ]
    endless = span(7, 5, 1, "endless", start, 0)
    endless["endTimeUnixNano"] = "0"
    stock = [span(7, 6, 2**64 - 1, "GET /stock", start + 2 * MILLISECOND, MILLISECOND, kind=2)]
    send(viewer, request("shop", [*shop, endless]), request("stock", stock))
    return f"{7:032x}"


def unpack(body: bytes) -> dict[str, Any]:
    [length] = struct.unpack_from("<I", body)
    told: dict[str, Any] = json.loads(body[4 : 4 + length])
    at = 4 + length
    assert at % 8 == 0
    spans, pieces = told["spans"], told.pop("pieces")

    def take(kind: str, count: int) -> list[Any]:
        nonlocal at
        found = struct.unpack_from(f"<{count}{kind}", body, at)
        at += struct.calcsize(f"<{count}{kind}")
        return list(found)

    columns: dict[str, list[Any]] = {"span_id": [f"{it:016x}" for it in take("Q", spans)]}
    columns |= {name: take("d", spans) for name in WIDE}
    begins, ends = take("d", pieces), take("d", pieces)
    columns |= {name: take("i", spans) for name in NARROW}
    rows = take("i", pieces)
    columns |= {name: take("B", spans) for name in SMALL}
    assert at == len(body)
    critical = [list(piece) for piece in zip(rows, begins, ends, strict=True)]
    return {**told, "columns": columns, "critical": critical}


def test_a_packed_trace_is_the_one_that_is_told(start_viewer: Callable[..., Any]) -> None:
    viewer = start_viewer("--quiet")
    trace = send_odd(viewer)
    told = viewer.ask(f"/api/traces/{trace}")
    assert len(told["critical"]) > 2 and len(set(told["columns"]["mark"])) > 2
    status, body = viewer.request("GET", f"/api/traces/{trace}?form=packed")
    assert status == 200
    for name in ("events", "links"):
        del told["columns"][name]
    assert unpack(body) == told
    status, body = viewer.request("GET", f"/api/traces/{trace}?form=zip")
    assert status == 400 and b"is packed, or left out" in body


def own_address() -> str:
    """This machine's, as others see it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: it only says by which way it would go.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network")
        address: str = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback's")
    return address


def test_other_machines_get_answers_in_gzip(start_viewer: Callable[..., Any]) -> None:
    address = own_address()
    viewer = start_viewer(
        "--quiet", "--http-address", "0.0.0.0:0", "--token", "secret-token", "--allow-host", address
    )

    def ask(host: str, **headers: str) -> tuple[str | None, bytes]:
        connection = http.client.HTTPConnection(host, viewer.http_port, timeout=30)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        names["authorization"] = "Bearer secret-token"
        connection.request("GET", "/api/sql/schema", headers=names)
        response = connection.getresponse()
        assert response.status == 200
        body = response.read()
        connection.close()
        return response.headers["content-encoding"], body

    encoding, plain = ask("127.0.0.1", accept_encoding="gzip")
    assert encoding is None
    encoding, packed = ask(address, accept_encoding="gzip")
    assert encoding == "gzip" and gzip.decompress(packed) == plain and len(packed) < len(plain)
    assert ask(address) == (None, plain)
