"""gevent and eventlet: greenlets share a thread, and still every span and record belongs to its own
request, and nothing stops them all."""

from __future__ import annotations

import signal
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from life.conftest import PROGRAMS
from life.test_logs import records
from life.test_metrics_servers import wait_for_sum
from life.test_servers import port, requests

pytest.importorskip("gevent", reason="gevent is not installed")
pytest.importorskip("eventlet", reason="eventlet is not installed")

__all__ = ["port"]

Start = Callable[..., Any]
Run = Callable[..., Any]

ORDER, STOCK = "GET /orders/<int:number>", "GET /stock/<int:number>"
# What an order makes: the name of each span, and of its parent.
OF_AN_ORDER = Counter(
    {
        (ORDER, None): 1,
        ("thread", ORDER): 1,
        ("task", ORDER): 1,
        ("greenlet", ORDER): 2,
        ("greenlet", "greenlet"): 4,
        ("connect", ORDER): 1,
        ("select", ORDER): 1,
        ("GET", ORDER): 1,
        (STOCK, "GET"): 1,
        ("stock", STOCK): 1,
    }
)
# The spans that have a record of the same name.
RECORDED = {"thread": 1, "task": 1, "greenlet": 6, "stock": 1}

# Programs begin with one of these, before anything else is imported, or after Oxitel was.
PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


def times(counts: dict[Any, int], count: int) -> Counter[Any]:
    return Counter({key: number * count for key, number in counts.items()})


def orders(port: int, count: int) -> None:
    """The first order waits for the server to begin, the others come eight at a time."""
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/orders/{count}", timeout=60).close()
            break
        except urllib.error.URLError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)
    requests(port, count - 1)


def check(collector: Any, count: int) -> None:
    """Each order's spans are one trace, whole and with the right parents; so are its records."""
    collector.wait_for_count(OF_AN_ORDER.total() * count, 30)
    collector.wait_for_count(sum(RECORDED.values()) * count, 30, "logs")
    spans = collector.spans()
    by_id = {span["span_id"]: span for span in spans}
    assert len(by_id) == len(spans)
    found: Counter[tuple[str, str | None]] = Counter()
    for span in spans:
        parent = by_id[span["parent_span_id"]] if span["parent_span_id"] else None
        found[span["name"], parent["name"] if parent else None] += 1
        if parent is not None:
            assert parent["trace_id"] == span["trace_id"]
    assert found == times(OF_AN_ORDER, count)
    numbers: dict[str, set[int]] = {}
    for span in spans:
        if "number" in span["attributes"]:
            numbers.setdefault(span["trace_id"], set()).add(span["attributes"]["number"])
    assert len(numbers) == count
    assert all(len(of_trace) == 1 for of_trace in numbers.values())
    for record in records(collector):
        span = by_id[record["span_id"].removeprefix("0x")]
        assert record["body"]["string_value"] == span["name"]
        attributes = {pair["key"]: pair["value"] for pair in record["attributes"]}
        assert attributes["number"]["string_value"] == str(span["attributes"]["number"])
    bodies = Counter(record["body"]["string_value"] for record in records(collector))
    assert bodies == times(RECORDED, count)


@pytest.mark.parametrize(
    ("protocol", "options"),
    [("grpc", ()), ("http", ("--preload", "--config", "python:gunicorn_gevent"))],
    ids=["each loads", "preload"],
)
def test_gunicorn_with_gevent_workers(
    protocol: str, options: tuple[str, ...], port: int, collector: Any, start_program: Start
) -> None:
    command = [
        *("-m", "gunicorn", "greenlets:application", "--bind", f"127.0.0.1:{port}"),
        *("--workers", "2", "--worker-class", "gevent", "--worker-connections", "100"),
        *("--log-level", "warning", "--graceful-timeout", "20", *options),
    ]
    server = start_program(command=command, protocol=protocol, env={"LIFE_GREENLETS": "gevent"})
    orders(port, 40)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=40)
    assert (finished.exit_code, finished.stderr) == (0, "")
    check(collector, 40)
    wait_for_sum(collector, 40)


def test_eventlets_server(port: int, collector: Any, start_program: Start) -> None:
    command = ["-W", "ignore", str(PROGRAMS / "eventlet_server.py"), str(port)]
    server = start_program(command=command, env={"LIFE_GREENLETS": "eventlet"})
    orders(port, 40)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=40)
    assert (finished.exit_code, finished.stderr) == (0, "")
    check(collector, 40)
    wait_for_sum(collector, 40)
