"""Child processes of programs under `oxitel run` are instrumented too, each once, whoever starts
them and however."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from life.conftest import black_hole

__all__ = ["black_hole"]

Start = Callable[..., Any]
Taken = Callable[..., Any]

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.fork
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_executors_and_pools(method: str, start: Start, taken: Taken) -> None:
    finished = start("python", str(PROGRAMS / "children.py"), method).finish()
    assert (finished.exit_code, finished.stdout) == (0, ""), finished.stderr
    assert "Traceback" not in finished.stderr
    told = taken(1 + 3 + 8 + 8)
    # This one, two children and a grandchild, and at least one of the executor and of the pool.
    assert told.workers >= 6
    # Nobody else has anything to tell: not the fork server, nor multiprocessing's bookkeepers.
    assert told.workers == len(told.processes)


def test_scripts_modules_and_code(start: Start, taken: Taken) -> None:
    code = "import subprocess, sys; import orders; orders.take(); " + "; ".join(
        f"subprocess.run([sys.executable, {arguments}], check=True)"
        for arguments in (repr(str(PROGRAMS / "take.py")), "'-m', 'take'", "'-c', 'import take'")
    )
    finished = start("python", "-c", code).finish()
    assert (finished.exit_code, finished.stderr) == (0, "order taken\n" * 4)
    assert taken(4).workers == 4


def test_a_command_that_is_not_python_has_its_python_children_instrumented(
    start: Start, taken: Taken
) -> None:
    finished = start("sh", "-c", "python -m take & python -m take; wait; echo done").finish()
    assert (finished.exit_code, finished.stdout) == (0, "done\n")
    assert taken(2).workers == 2


@pytest.mark.fork
def test_children_of_a_program_that_was_forked_by_hand(start: Start, taken: Taken) -> None:
    code = (
        "import os, sys, orders\n"
        "for _ in range(2):\n"
        "    if os.fork() == 0:\n"
        "        orders.take()\n"
        "        sys.exit()\n"
        "for _ in range(2):\n"
        "    assert os.wait()[1] == 0\n"
        "orders.take()\n"
    )
    assert start("python", "-c", code).finish().exit_code == 0
    assert taken(3).workers == 3


def test_an_interpreter_that_reads_no_path_runs_without_telemetry(
    start: Start, taken: Taken
) -> None:
    assert start(sys.executable, "-I", "-c", "print('isolated')").finish().stdout == "isolated\n"
    assert taken(0).processes == []


@pytest.mark.fork
def test_a_worker_ends_in_the_time_of_one_signal_where_the_receiver_does_not_answer(
    start: Start, black_hole: str
) -> None:
    code = (
        "import multiprocessing, orders, time\n"
        "child = multiprocessing.get_context('fork').Process(target=orders.take)\n"
        "child.start()\n"
        "start = time.monotonic()\n"
        "child.join()\n"
        "print('seconds', time.monotonic() - start, flush=True)\n"
        # This one does not wait for its own metrics.
        "import os; os._exit(0)\n"
    )
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": black_hole, "OTEL_EXPORTER_OTLP_TIMEOUT": "3"}
    finished = start("python", "-c", code, env=env).finish(60)
    assert finished.exit_code == 0, finished.stderr
    # Three signals of three seconds each.
    assert 2 < finished.said("seconds") < 8
