"""Programs started by `oxitel run`, and what each of their processes sent."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from conftest import program_environment
from life.conftest import Running
from life.test_servers import ask, port

__all__ = ["port"]

PROGRAMS = Path(__file__).parent / "programs"
OXITEL_RUN = [sys.executable, "-m", "oxitel", "run"]


@pytest.fixture
def environment(collector: Any) -> dict[str, str]:
    """An environment like a user's, where `python` and the servers are those of this run."""
    return program_environment(
        {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(PROGRAMS),
            "PYTHONUNBUFFERED": "1",
            # CPython 3.12 and newer warn about every fork of a process that has threads.
            "PYTHONWARNINGS": "ignore::DeprecationWarning",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint,
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process,otel",
        }
    )


def all_but(*wanted: str) -> str:
    """The installed instrumentations without the wanted ones: each takes its time to import."""
    names = {entry_point.name for entry_point in entry_points(group="opentelemetry_instrumentor")}
    assert names.issuperset(wanted)
    return ",".join(sorted(names - set(wanted)))


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """`start("python", "app.py", options=["--service-name", "orders"], instrumentations=["flask"],
    env={…})` in a folder of its own. What is not named is off, but for that of `logging`."""
    started: list[Running] = []

    def start(
        *command: str,
        options: tuple[str, ...] = (),
        instrumentations: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        prefix: list[str] = OXITEL_RUN,
    ) -> Running:
        disabled = all_but("logging", *instrumentations)
        own = environment | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": disabled} | (env or {})
        running = Running([*prefix, *options, *command], tmp_path, own)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.kill()


def wait_until_it_answers(server: Running, port: int) -> None:
    """Wait for a server that starts: on a busy machine that is longer than a request may take."""
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert server.process.poll() is None, f"{server.stdout}{server.stderr}"
            assert time.monotonic() < end, f"{server.stdout}{server.stderr}"
            time.sleep(0.05)


def request_until_two_workers_answer(server: Running, port: int) -> int:
    """Requests in groups of eight until two workers have answered; how many there were. One
    worker may be there long before the other."""
    wait_until_it_answers(server, port)
    workers: set[str] = set()
    count = 0
    end = time.monotonic() + 60
    with ThreadPoolExecutor(8) as executor:
        while len(workers) < 2:
            assert time.monotonic() < end, "only one worker answers"
            workers.update(executor.map(lambda number: ask(port, f"/orders/{number}"), range(8)))
            count += 8
            time.sleep(0.05)
    return count


@dataclass
class Process:
    """What one process sent about the orders it took (`programs/orders.py`)."""

    pid: int
    instance: str
    spans: list[dict[str, Any]] = field(default_factory=list)
    # Trace and span id of each log record.
    records: list[tuple[str, str]] = field(default_factory=list)
    # The last total of the counter.
    counted: int = 0

    @property
    def orders(self) -> int:
        return sum(span["name"] == "take order" for span in self.spans)


def processes(collector: Any) -> list[Process]:
    """Everything that was accepted, by process; its identity is the same for all signals."""
    found: dict[tuple[int, str], Process] = {}

    def process(resource: dict[str, Any]) -> Process:
        key = (int(resource["process.pid"]), resource["service.instance.id"])
        return found.setdefault(key, Process(*key))

    for span in collector.spans():
        process(span["resource"]).spans.append(span)
    for request in collector.requests():
        if not request.accepted:
            continue
        for part in request.decoded.get("resource_logs", ()):
            sender = process(_attributes(part["resource"]))
            for scope in part["scope_logs"]:
                sender.records += [
                    (record["trace_id"][2:], record["span_id"][2:])
                    for record in scope["log_records"]
                    if record["body"].get("string_value") == "order taken"
                ]
        for part in request.decoded.get("resource_metrics", ()):
            sender = process(_attributes(part["resource"]))
            for scope in part["scope_metrics"]:
                for metric in scope["metrics"]:
                    if metric["name"] == "orders":
                        (point,) = metric["sum"]["data_points"]
                        assert int(point["as_int"]) >= sender.counted
                        sender.counted = int(point["as_int"])
    return list(found.values())


def _attributes(resource: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in resource["attributes"]}


@dataclass(frozen=True)
class Taken:
    """All orders that were taken, and by how many processes."""

    processes: list[Process]

    @property
    def workers(self) -> int:
        return sum(process.orders > 0 for process in self.processes)


@pytest.fixture
def taken(collector: Any) -> Callable[..., Taken]:
    """`taken(count)` waits until spans, log records and metrics of so many orders have come, and
    checks that each order was told once in each signal, by one process with one identity."""

    def taken(count: int, timeout: float = 20.0) -> Taken:
        end = time.monotonic() + timeout
        while True:
            found = processes(collector)
            numbers = [
                sum(process.orders for process in found),
                sum(len(process.records) for process in found),
                sum(process.counted for process in found),
            ]
            if min(numbers) >= count or time.monotonic() > end:
                break
            time.sleep(0.1)
        # What comes twice comes after what came once.
        time.sleep(0.2)
        found = processes(collector)
        for process in found:
            inside = {
                (span["trace_id"], span["span_id"])
                for span in process.spans
                if span["name"] == "take order"
            }
            told = (process.orders, len(inside), len(process.records), process.counted)
            assert len(set(told)) == 1, f"process {process.pid}: {told}"
            assert set(process.records) == inside
        assert sum(process.orders for process in found) == count
        assert len({process.pid for process in found}) == len(found)
        assert len({process.instance for process in found}) == len(found)
        return Taken(found)

    return taken


def of_kind(taken: Taken, kind: str) -> Counter[str]:
    """The names of the spans of that kind (`SPAN_KIND_SERVER`, …)."""
    return Counter(
        span["name"]
        for process in taken.processes
        for span in process.spans
        if span["kind"] == kind
    )


def parents_are_there(taken: Taken) -> bool:
    """Whether every span but the first of each trace has its parent among the others."""
    spans = [span for process in taken.processes for span in process.spans]
    ids = defaultdict(set)
    for span in spans:
        ids[span["trace_id"]].add(span["span_id"])
    return all(
        not span["parent_span_id"] or span["parent_span_id"] in ids[span["trace_id"]]
        for span in spans
    )
