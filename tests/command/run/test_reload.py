"""Servers that start themselves anew when a file changes, under `oxitel run`: each new process is
instrumented, and the one that ends tells what it has not told yet."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command.run.conftest import PROGRAMS, of_kind, parents_are_there, wait_until_it_answers
from life.test_servers import ask, requests

Start = Callable[..., Any]
Taken = Callable[..., Any]


def copy_programs(folder: Path) -> dict[str, str]:
    """Programs that can be changed, and the environment that has them found."""
    for name in ("orders", "web", "asgi", "debugged"):
        shutil.copy(PROGRAMS / f"{name}.py", folder)
    return {"PYTHONPATH": str(folder)}


def pid(port: int) -> int:
    number: int = json.loads(ask(port, "/pid"))["pid"]
    return number


def reload(port: int, file: Path) -> int:
    """Change the file until another process answers, and return its id. Servers look at their
    files from time to time, and at first only to know them."""
    first = pid(port)
    for _ in range(60):
        file.write_text(file.read_text() + "# changed\n")
        for _ in range(10):
            time.sleep(0.1)
            if (answering := pid(port)) != first:
                return answering
    raise AssertionError("nothing was reloaded")


def test_uvicorn(port: int, start: Start, taken: Taken, tmp_path: Path) -> None:
    server = start(
        *("uvicorn", "asgi:application", "--port", str(port), "--log-level", "warning"),
        *("--reload", "--reload-dir", str(tmp_path), "--reload-delay", "0.1"),
        instrumentations=("fastapi",),
        env=copy_programs(tmp_path),
    )
    wait_until_it_answers(server, port)
    requests(port, 5)
    reload(port, tmp_path / "asgi.py")
    requests(port, 7)
    server.signal(signal.SIGTERM)
    assert "Traceback" not in server.finish().stderr
    told = taken(12)
    assert sorted(process.orders for process in told.processes) == [5, 7]
    assert of_kind(told, "SPAN_KIND_SERVER")["GET /orders/{number}"] == 12
    assert parents_are_there(told)


def test_the_debugger_of_flask(port: int, start: Start, taken: Taken, tmp_path: Path) -> None:
    server = start(
        *("python", "debugged.py", str(port)),
        instrumentations=("flask",),
        env=copy_programs(tmp_path),
    )
    wait_until_it_answers(server, port)
    requests(port, 5)
    second = reload(port, tmp_path / "web.py")
    requests(port, 7)
    # Not the first process, which would kill the second one outright.
    os.kill(second, signal.SIGTERM)
    assert "Traceback" not in server.finish().stderr
    told = taken(12)
    # The process that watches may have sent metrics of its own.
    assert sorted(process.orders for process in told.processes if process.orders) == [5, 7]
    assert of_kind(told, "SPAN_KIND_SERVER")["GET /orders/<int:number>"] == 12
    assert parents_are_there(told)
