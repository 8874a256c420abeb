"""gevent and eventlet: greenlets share a thread, and every span and record is still its own
request's; nothing waits for ever."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from life.test_metrics_servers import wait_for_sum
from life.test_servers import ask, port, requests, requests_until_two_workers_answer

pytest.importorskip("gevent", reason="gevent has no wheel for this interpreter")
pytest.importorskip("eventlet", reason="eventlet has no wheel for this interpreter")

__all__ = ["port"]

Start = Callable[..., Any]
Run = Callable[..., Any]

# What a request of `greenlets.application` makes: the name of each span, and of its parent.
OF_AN_ORDER = Counter(
    {
        ("GET /orders/<int:number>", None): 1,
        ("thread", "GET /orders/<int:number>"): 1,
        ("task", "GET /orders/<int:number>"): 1,
        ("greenlet", "GET /orders/<int:number>"): 2,
        ("greenlet", "greenlet"): 4,
        ("connect", "GET /orders/<int:number>"): 1,
        ("select", "GET /orders/<int:number>"): 1,
        ("GET", "GET /orders/<int:number>"): 1,
        ("GET /stock/<int:number>", "GET"): 1,
        ("stock", "GET /stock/<int:number>"): 1,
    }
)
RECORDS = 8


def check(collector: Any, count: int) -> None:
    """Each order's spans are one trace, whole and with the right parents; so are its records."""
    each = OF_AN_ORDER.total()
    collector.wait_for_count(each * count, 20)
    collector.wait_for_count(RECORDS * count, 20, "logs")
    spans = collector.spans()
    by_id = {span["span_id"]: span for span in spans}
    assert len(by_id) == len(spans)
    numbers: dict[str, set[Any]] = {}
    found: Counter[tuple[str, str | None]] = Counter()
    for span in spans:
        parent = by_id[span["parent_span_id"]] if span["parent_span_id"] else None
        found[span["name"], parent["name"] if parent else None] += 1
        assert parent is None or parent["trace_id"] == span["trace_id"]
        if "number" in span["attributes"]:
            numbers.setdefault(span["trace_id"], set()).add(span["attributes"]["number"])
    assert found == Counter({link: number * count for link, number in OF_AN_ORDER.items()})
    assert len(numbers) == count
    assert all(len(of_trace) == 1 for of_trace in numbers.values())


@pytest.mark.parametrize("preload", [False, True], ids=["each loads", "preload"])
def test_gunicorn_with_gevent_workers(
    preload: bool, protocol: str, port: int, collector: Any, start_program: Start
) -> None:
    command = [
        *("-m", "gunicorn", "greenlets:application", "--bind", f"127.0.0.1:{port}"),
        *("--workers", "2", "--worker-class", "gevent"),
        *("--log-level", "warning", "--graceful-timeout", "10", *["--preload"] * preload),
    ]
    server = start_program(command=command, protocol=protocol, env={"LIFE_GREENLETS": "gevent"})
    count = requests_until_two_workers_answer(port) + 40
    requests(port, 40)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=30)
    assert finished.exit_code == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    check(collector, count)
    wait_for_sum(collector, count)
