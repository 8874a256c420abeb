"""Web servers under `oxitel run`: every request is told once in each signal, by the worker that
answered it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command.run.conftest import (
    of_kind,
    parents_are_there,
    request_until_two_workers_answer,
    wait_until_it_answers,
)
from life.test_servers import requests

Start = Callable[..., Any]
Taken = Callable[..., Any]

GUNICORN = ("--log-level", "warning", "--graceful-timeout", "10", "--workers", "2")


def gunicorn(port: int, *options: str) -> tuple[str, ...]:
    return ("gunicorn", "--bind", f"127.0.0.1:{port}", *GUNICORN, *options)


@pytest.mark.fork
@pytest.mark.parametrize("preload", [False, True], ids=["each loads", "preload"])
@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_gunicorn(worker: str, preload: bool, port: int, start: Start, taken: Taken) -> None:
    options = ["--worker-class", worker, *["--preload"] * preload]
    server = start(*gunicorn(port, *options, "web:application"), instrumentations=("flask",))
    count = request_until_two_workers_answer(server, port) + 40
    requests(port, 40)
    server.signal(signal.SIGTERM)
    assert "Traceback" not in server.finish().stderr
    told = taken(count)
    assert told.workers == 2
    assert of_kind(told, "SPAN_KIND_SERVER") == {"GET /orders/<int:number>": count}
    assert parents_are_there(told)


@pytest.mark.fork
@pytest.mark.parametrize(
    "options",
    [
        ("uvicorn.workers.UvicornWorker",),
        ("uvicorn.workers.UvicornWorker", "--preload"),
        ("asgi",),
    ],
    ids=["uvicorn's", "uvicorn's, preload", "its own"],
)
def test_gunicorn_with_asgi_workers(
    options: tuple[str, ...], port: int, start: Start, taken: Taken
) -> None:
    server = start(
        *gunicorn(port, "--worker-class", *options, "asgi:application"),
        instrumentations=("fastapi",),
    )
    count = request_until_two_workers_answer(server, port) + 40
    requests(port, 40)
    server.signal(signal.SIGTERM)
    assert "Traceback" not in server.finish().stderr
    told = taken(count)
    assert told.workers == 2
    assert of_kind(told, "SPAN_KIND_SERVER") == {"GET /orders/{number}": count}
    assert parents_are_there(told)


@pytest.mark.parametrize("workers", [1, 2])
def test_uvicorn(workers: int, port: int, start: Start, taken: Taken) -> None:
    server = start(
        *("uvicorn", "asgi:application", "--port", str(port), "--log-level", "warning"),
        *("--workers", str(workers)),
        instrumentations=("fastapi",),
    )
    wait_until_it_answers(server, port)
    count = 40 + (request_until_two_workers_answer(server, port) if workers > 1 else 0)
    requests(port, 40)
    server.signal(signal.SIGTERM)
    assert "Traceback" not in server.finish().stderr
    told = taken(count)
    assert told.workers == workers
    assert of_kind(told, "SPAN_KIND_SERVER") == {"GET /orders/{number}": count}
    assert parents_are_there(told)


@pytest.mark.fork
def test_the_official_command_with_our_distribution_and_configurator(
    port: int, start: Start, taken: Taken
) -> None:
    server = start(
        *gunicorn(port, "--worker-class", "gthread", "web:application"),
        instrumentations=("flask",),
        env={"OTEL_PYTHON_DISTRO": "oxitel", "OTEL_PYTHON_CONFIGURATOR": "oxitel"},
        prefix=[str(Path(sys.executable).parent / "opentelemetry-instrument")],
    )
    count = request_until_two_workers_answer(server, port) + 40
    requests(port, 40)
    server.signal(signal.SIGTERM)
    assert "Traceback" not in server.finish().stderr
    told = taken(count)
    assert told.workers == 2
    assert of_kind(told, "SPAN_KIND_SERVER") == {"GET /orders/<int:number>": count}
    assert parents_are_there(told)
