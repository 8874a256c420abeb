"""Web servers with several worker processes: every request's spans arrive, once."""

import signal
import site
import socket
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

Start = Callable[..., Any]
Arrived = Callable[..., Counter[str]]


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


def ask(port: int, path: str = "/orders/1") -> str:
    """The answer; a server that is starting, or reloading, is asked again for some seconds."""
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                body: bytes = answer.read()
                return body.decode()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise AssertionError("the server does not answer")


def requests(port: int, count: int) -> None:
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda number: ask(port, f"/orders/{number}"), range(count)))


def requests_until_two_workers_answer(port: int) -> int:
    """Requests in groups of eight until two workers have answered; how many there were."""
    workers: set[str] = set()
    for group in range(1, 100):
        with ThreadPoolExecutor(8) as executor:
            workers.update(executor.map(lambda _: ask(port), range(8)))
        if len(workers) > 1:
            return group * 8
    raise AssertionError("only one worker answers")


def gunicorn(port: int, *options: str) -> list[str]:
    return [
        *("-m", "gunicorn", "web:application", "--bind", f"127.0.0.1:{port}"),
        *("--log-level", "warning", "--graceful-timeout", "10", *options),
    ]


def uwsgi(port: int, *options: str) -> list[str]:
    return [
        *("-c", "import pyuwsgi; pyuwsgi.run()", "--module", "web:application", "--need-app"),
        *("--http-socket", f"127.0.0.1:{port}", "--master", "--processes", "2"),
        # As installed packages are found, which uWSGI's own interpreter would not.
        *("--pythonpath", site.getsitepackages()[0], "--die-on-term", *options),
    ]


def check(spans: list[dict[str, Any]], count: int, several: bool = True) -> None:
    """Each request once, whole, with one identity for each worker process."""
    assert Counter(span["name"] for span in spans) == {"request": count, "inside": count}
    outer = {span["span_id"]: span for span in spans if span["name"] == "request"}
    assert len(outer) == count
    assert all(span["parent_span_id"] in outer for span in spans if span["name"] == "inside")
    instances = defaultdict(set)
    for span in outer.values():
        instances[span["attributes"]["pid"]].add(span["resource"]["service.instance.id"])
    assert len(instances) > 1 or not several
    assert all(len(identities) == 1 for identities in instances.values())
    assert len(set.union(*instances.values())) == len(instances)


@pytest.mark.fork
@pytest.mark.parametrize("preload", [False, True], ids=["each loads", "preload"])
@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_gunicorn_workers_export_every_request_by_the_time_they_are_terminated(
    worker: str,
    preload: bool,
    protocol: str,
    port: int,
    collector: Any,
    start_program: Start,
) -> None:
    threads = ["--threads", "4"] if worker == "gthread" else []
    options = ["--workers", "3", "--worker-class", worker, *threads, *["--preload"] * preload]
    server = start_program(command=gunicorn(port, *options), protocol=protocol)
    count = requests_until_two_workers_answer(port) + 120
    requests(port, 120)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=20)
    assert finished.exit_code == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    collector.wait_for_count(2 * count)
    time.sleep(0.2)
    check(collector.spans(), count)


@pytest.mark.fork
def test_gunicorn_with_a_set_up_after_the_fork(
    port: int, collector: Any, start_program: Start
) -> None:
    options = ["--workers", "2", "--preload", "--config", "python:gunicorn_hooks"]
    server = start_program(command=gunicorn(port, *options), env={"LIFE_SETUP": "hook"})
    count = requests_until_two_workers_answer(port) + 60
    requests(port, 60)
    server.signal(signal.SIGTERM)
    assert server.finish(timeout=20).exit_code == 0
    collector.wait_for_count(2 * count)
    check(collector.spans(), count)


@pytest.mark.fork
@pytest.mark.parametrize("preload", [False, True], ids=["each loads", "preload"])
def test_gunicorn_that_reloads_loses_and_repeats_nothing(
    preload: bool, port: int, collector: Any, start_program: Start
) -> None:
    server = start_program(command=gunicorn(port, "--workers", "2", *["--preload"] * preload))
    count = requests_until_two_workers_answer(port) + 80
    requests(port, 40)
    server.signal(signal.SIGHUP)
    time.sleep(1.0)
    requests(port, 40)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=20)
    assert finished.exit_code == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    collector.wait_for_count(2 * count)
    time.sleep(0.2)
    check(collector.spans(), count)


@pytest.mark.fork
def test_gunicorn_workers_that_are_recycled_lose_nothing(
    port: int, collector: Any, start_program: Start
) -> None:
    server = start_program(command=gunicorn(port, "--workers", "2", "--max-requests", "10"))
    count = requests_until_two_workers_answer(port) + 60
    requests(port, 60)
    server.signal(signal.SIGTERM)
    assert server.finish(timeout=20).exit_code == 0
    collector.wait_for_count(2 * count)
    time.sleep(0.2)
    check(collector.spans(), count)


@pytest.mark.parametrize("workers", [1, 2])
def test_uvicorn_exports_every_request(
    workers: int, port: int, collector: Any, start_program: Start
) -> None:
    command = [
        *("-m", "uvicorn", "asgi:application", "--port", str(port)),
        *("--log-level", "warning", "--workers", str(workers)),
    ]
    server = start_program(command=command)
    count = (requests_until_two_workers_answer(port) if workers > 1 else 0) + 60
    requests(port, 60)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=20)
    assert "Traceback" not in finished.stderr
    # Uvicorn ends by the signal it was sent, past Python's exit.
    assert finished.exit_code in (0, -signal.SIGTERM)
    collector.wait_for_count(2 * count)
    time.sleep(0.2)
    check(collector.spans(), count, several=workers > 1)


@pytest.mark.fork
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--enable-threads", "--threads", "4"],
        ["--lazy-apps"],
        ["--max-requests", "20"],
    ],
    ids=["preload", "threads", "each loads", "recycled"],
)
def test_uwsgi_workers_export_every_request(
    options: list[str], protocol: str, port: int, collector: Any, start_program: Start
) -> None:
    # uWSGI forks in C; without --enable-threads no other Python thread ever runs.
    server = start_program(
        command=uwsgi(port, *options), protocol=protocol, env={"OTEL_BSP_SCHEDULE_DELAY": "60000"}
    )
    count = requests_until_two_workers_answer(port) + 80
    requests(port, 80)
    # A worker that is not quite done with its last request runs no exit handlers.
    time.sleep(0.3)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=20)
    assert "Traceback" not in finished.stderr
    try:
        collector.wait_for_count(2 * count)
    except TimeoutError as error:
        raise AssertionError(finished.stderr) from error
    time.sleep(0.2)
    check(collector.spans(), count)
