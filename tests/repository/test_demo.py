"""The demo from end to end, what it says of its totals, and that it fails where something is
missing."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import report

REPOSITORY = Path(report.__file__).resolve().parent.parent
ANSWERS = {"taken": 90, "invalid": 6, "out of stock": 4}
EXPORTED = "otel.sdk.exporter.{}.exported"


def counter(service: str, name: str, *series: tuple[str, int, dict[str, str]]) -> dict[str, Any]:
    told = [
        {
            "instance": instance,
            "value": value,
            "attributes": [{"key": key, "value": text} for key, text in attributes.items()],
        }
        for instance, value, attributes in series
    ]
    return {"service": service, "name": name, "series": told}


def metrics() -> report.Metrics:
    requests = "http.server.requests"
    return [
        counter("orders", requests, ("a", 50, {"s": "201"}), ("a", 10, {}), ("b", 40, {})),
        counter("inventory", requests, ("c", 150, {})),
        counter("orders", EXPORTED.format("span"), ("a", 600, {})),
        counter(
            "inventory", EXPORTED.format("span"), ("c", 400, {}), ("c", 9, {"error.type": "x"})
        ),
        counter("orders", EXPORTED.format("log"), ("a", 100, {}), ("b", 100, {})),
    ]


def totals(**changes: Any) -> dict[str, Any]:
    services = {
        "inventory": {"spans": 400, "log_records": 100},
        "orders": {"spans": 602, "log_records": 100},
    }
    received = {
        "traces": {"records": 1_002, "requests": 8},
        "metrics": {"records": 500, "requests": 20},
        "logs": {"records": 200, "requests": 5},
        "services": services,
        "duplicate_spans": 2,
    }
    return received | changes


@pytest.fixture
def tallies(tmp_path: Path) -> Path:
    for service, spans, logs in [("orders-1", 600, 100), ("inventory-2", 400, 100)]:
        (tmp_path / f"{service}.spans").write_bytes(struct.pack("<Q", spans))
        (tmp_path / f"{service}.logs").write_bytes(struct.pack("<Q", logs))
    return tmp_path


def test_every_signal_has_a_row_of_what_was_made_sent_and_received(tallies: Path) -> None:
    rows = report.rows(ANSWERS, totals(), metrics(), tallies)
    found = [(row.name, row.made, row.sent, row.received, row.lost) for row in rows]
    assert found == [
        ("spans", 1_000, 1_000, 1_000, 0),
        ("log records", 200, 200, 200, 0),
        ("requests", 100, None, 100, 0),
    ]
    table = report.table(rows, ANSWERS)
    assert "100 requests: 90 taken, 6 invalid, 4 out of stock" in table
    lines = [line.split() for line in table.splitlines()[2:]]
    assert lines[0] == ["made", "sent", "received", "lost"]
    assert lines[1][:5] == ["spans", "1,000", "1,000", "1,000", "0"]
    assert lines[3][:5] == ["requests", "100", "—", "100", "0"]
    assert "counters of 2 workers" in table
    assert report.problems(rows, ANSWERS, tallies, workers=2) == []


def test_what_is_missing_fails_the_demo(tallies: Path) -> None:
    lost_logs = totals(logs={"records": 199, "requests": 5})
    rows = report.rows(ANSWERS | {"status 500": 1}, lost_logs, metrics(), tallies)
    assert report.problems(rows, ANSWERS | {"status 500": 1}, tallies, workers=4) == [
        "the order service answered status 500",
        "only 2 of 4 workers counted spans",
        "only 2 of 4 workers counted logs",
        "200 log records were made and 199 received",
        "200 log records were said to be delivered",
        "101 requests were made and 100 received",
    ]


def test_a_run_in_which_nothing_was_made_is_no_success(tmp_path: Path) -> None:
    nothing = {"records": 0, "requests": 0}
    received = totals(traces=nothing, metrics=nothing, logs=nothing, services={}, duplicate_spans=0)
    rows = report.rows({}, received, [], tmp_path)
    assert [row.sent for row in rows] == [None, None, None]
    assert report.problems(rows, {}, tmp_path, workers=0) == [
        "no spans were made",
        "no log records were made",
        "no requests were made",
    ]
    assert "0 requests: none" in report.table(rows, {})


def test_the_demo_shows_all_three_signals_and_misses_nothing(tmp_path: Path) -> None:
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    viewer = Path(os.environ.get("OXITEL_VIEWER", target / "release" / "oxitel-viewer"))
    if not viewer.exists():
        pytest.fail(f"{viewer} does not exist: `make build` builds it")
    demo = REPOSITORY / "examples" / "demo.py"
    data = tmp_path / "data"
    options = ("--seconds", "1.5", "--data", data, "--open-with", "make view")
    done = subprocess.run(
        [sys.executable, demo, "--viewer", viewer, "--python", sys.executable, *options],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8", "COLUMNS": "120"},
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout
    assert "◀ POST /orders" in shown
    assert "INFO  order taken" in shown
    assert "reserved" in shown
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line.split()}
    assert int(rows["orders.processing_duration"][1].replace(",", "")) > 0
    made, _sent, received, lost = rows["spans"][1:5]
    assert (made, lost) == (received, "0")
    # Nothing runs any more, and the page that was named would show what is kept.
    named = re.search(r"make view, then http://localhost:4318/traces/([0-9a-f]{32})", shown)
    assert named is not None
    command = [viewer, "trace", named[1], "--data", data]
    kept = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    assert {"orders", "inventory"} <= set(kept["services"])
