"""Celery's prefork pool under `oxitel run`: as many tasks are told as were done, also by workers
that are replaced after each task, and each continues the trace of who asked for it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command.run.conftest import of_kind, parents_are_there

Start = Callable[..., Any]
Taken = Callable[..., Any]

pytestmark = pytest.mark.fork

TASKS = 12


@pytest.mark.parametrize("options", [(), ("--max-tasks-per-child", "1")], ids=["kept", "replaced"])
def test_each_task_is_told_once(
    options: tuple[str, ...], start: Start, taken: Taken, tmp_path: Path
) -> None:
    (tmp_path / "broker" / "control").mkdir(parents=True)
    env = {"BROKER_FOLDER": str(tmp_path / "broker"), "ORDERS": str(TASKS)}
    worker = start(
        *("celery", "-A", "tasks:application", "worker", "--concurrency", "2", *options),
        *("--loglevel", "INFO", "--without-mingle", "--without-gossip"),
        instrumentations=("celery",),
        env=env,
    )
    asking = start("python", "-m", "tasks", instrumentations=("celery",), env=env)
    assert asking.finish().exit_code == 0
    assert worker.stderr.wait_for_count("succeeded in", TASKS, 60)
    # A warm shutdown: workers end with what they have not exported yet.
    worker.signal(signal.SIGTERM)
    assert "Traceback" not in worker.finish().stderr
    told = taken(TASKS)
    assert of_kind(told, "SPAN_KIND_CONSUMER") == {"run/tasks.work": TASKS}
    assert of_kind(told, "SPAN_KIND_PRODUCER") == {"apply_async/tasks.work": TASKS}
    assert parents_are_there(told)
    assert told.workers == TASKS if options else told.workers == 2
