"""Servers with several worker processes: each worker's series are its own, never fall, and add up
to the requests that were made."""

from __future__ import annotations

import signal
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from life.test_metrics_fork import points
from life.test_servers import port, requests, requests_until_two_workers_answer

__all__ = ["port"]

Start = Callable[..., Any]


def latest(collector: Any, name: str, number: str) -> dict[str, int]:
    """The last total of each worker by its pid; each has one identity, and no total falls."""
    totals: dict[str, int] = {}
    instances = defaultdict(set)
    for instance, own in points(collector).items():
        for point in own:
            if point["name"] != name:
                continue
            pid = point["attributes"][0]["value"]["int_value"]
            total = int(point[number])
            assert total >= totals.get(pid, 0)
            totals[pid] = total
            instances[pid].add(instance)
    assert all(len(identities) == 1 for identities in instances.values())
    assert len(set().union(*instances.values())) == len(instances)
    return totals


def wait_for_sum(collector: Any, count: int) -> dict[str, int]:
    end = time.monotonic() + 15
    while True:
        totals = latest(collector, "requests", "as_int")
        if sum(totals.values()) >= count or time.monotonic() > end:
            assert sum(totals.values()) == count
            assert sum(latest(collector, "duration", "count").values()) in (0, count)
            return totals
        time.sleep(0.1)


@pytest.mark.fork
@pytest.mark.parametrize("preload", [False, True], ids=["each loads", "preload"])
def test_gunicorn_workers_count_their_own_requests(
    preload: bool, protocol: str, port: int, collector: Any, start_program: Start
) -> None:
    command = [
        *("-m", "gunicorn", "web_metrics:application", "--bind", f"127.0.0.1:{port}"),
        *("--workers", "3", "--worker-class", "gthread", "--threads", "4"),
        *("--log-level", "warning", "--graceful-timeout", "10", *["--preload"] * preload),
    ]
    server = start_program(command=command, protocol=protocol)
    count = requests_until_two_workers_answer(port) + 200
    requests(port, 200)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=20)
    assert finished.exit_code == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    assert len(wait_for_sum(collector, count)) > 1


def test_uvicorn_workers_count_their_own_requests(
    port: int, collector: Any, start_program: Start
) -> None:
    command = [
        *("-m", "uvicorn", "asgi_metrics:application", "--port", str(port)),
        *("--log-level", "warning", "--workers", "2"),
    ]
    server = start_program(command=command)
    count = requests_until_two_workers_answer(port) + 100
    requests(port, 100)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=20)
    assert "Traceback" not in finished.stderr
    assert len(wait_for_sum(collector, count)) == 2


@pytest.mark.fork
def test_celery_children_count_their_own_tasks(
    collector: Any, start_program: Start, run: Callable[..., Any], tmp_path: Path
) -> None:
    environment = {"LIFE_FOLDER": str(tmp_path)}
    (tmp_path / "control").mkdir()
    command = [
        *("-m", "celery", "-A", "tasks:application", "worker", "--pool", "prefork"),
        *("--concurrency", "2", "--loglevel", "WARNING", "--without-mingle", "--without-gossip"),
    ]
    worker = start_program(command=command, env=environment)
    run(
        """
        import tasks
        for _ in range(100):
            tasks.work.delay()
        """,
        env=environment,
    )
    # The parent and the program that asked for the tasks have counted 1000 each before the fork.
    totals = wait_for_sum(collector, 2 * 1000 + 100)
    assert sorted(totals.values())[-2:] == [1000, 1000]
    assert len(totals) > 2
    worker.signal(signal.SIGTERM)
    finished = worker.finish(timeout=20)
    assert "Traceback" not in finished.stderr
