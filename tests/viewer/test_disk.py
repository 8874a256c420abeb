"""Disks that are full, and directories with files that are somebody else's."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import viewer_sample as sample

FILE = "telemetry.sqlite"
FREE = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
# Runs the command twice, one after the other, with a small disk of its own at $1.
SMALL_DISK = """
set -e
mount -t tmpfs -o size=3m,mode=700 none "$1"
shift
"$@" --ports-file first.json
exec "$@" --ports-file second.json
"""


def can_mount(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def port_in(path: Path, process: subprocess.Popen[Any]) -> int:
    ends = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None and time.monotonic() < ends, f"no {path.name}"
        time.sleep(0.02)
    return int(json.loads(path.read_text())["http"])


def ask(port: int, method: str, path: str, body: bytes | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        headers = {"content-type": "application/json", "x-oxitel": "1"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        assert response.status == 200, content
        return json.loads(content or b"{}")


def large(trace: int) -> bytes:
    """A request of ten spans with texts that cannot be compressed to nothing."""
    import random

    chance = random.Random(trace)
    spans = [
        sample.span(
            trace,
            1 + number,
            "fill",
            1,
            attributes=sample.attributes(text=chance.randbytes(4_000).hex()),
        )
        for number in range(10)
    ]
    return sample.traces(spans)


def test_a_disk_that_is_full_is_said_and_what_was_acknowledged_stays(
    viewer_program: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if not can_mount(data):
        pytest.skip("no disk of our own can be mounted here")
    viewer = [str(viewer_program), "start", "--quiet", "--data", str(data), *FREE]
    said = tmp_path / "said.txt"
    with said.open("w") as output:
        process = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", str(data), *viewer],
            cwd=tmp_path,
            stderr=output,
        )
    try:
        port = port_in(tmp_path / "first.json", process)
        sent = written = 0
        for number in range(1, 400):
            ask(port, "POST", "/v1/traces", large(number))
            sent += 10
            store = ask(port, "GET", "/api/status")["store"]
            if store["trouble"] is not None:
                break
            written = sent
        assert written > 0 and store["trouble"] is not None, store
        assert "full" in store["trouble"] and "memory" in store["trouble"]
        ends = time.monotonic() + 60
        while store["trouble"] not in said.read_text():
            assert time.monotonic() < ends, said.read_text()
            time.sleep(0.1)
        # It goes on, in memory, and loses nothing that it has said to have.
        for number in range(1_000, 1_005):
            ask(port, "POST", "/v1/traces", large(number))
        store = ask(port, "GET", "/api/status")["store"]
        assert store["spans"] == sent + 50
        assert ask(port, "GET", "/api/traces?q=trace:" + f"{1:032x}")["total"] == 1
        assert ask(port, "GET", "/api/traces?limit=1000")["total"] == (sent + 50) // 10

        ask(port, "POST", "/api/stop", b"{}")
        port = port_in(tmp_path / "second.json", process)
        # What was written before there was no more room is still there.
        assert ask(port, "GET", "/api/status")["store"]["spans"] >= written
        ask(port, "POST", "/api/stop", b"{}")
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()


def garbage(path: Path) -> None:
    path.write_bytes(b"\x00\xff" * 5_000)


def of_another_program(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
        connection.execute("INSERT INTO bookmarks VALUES ('x')")
        connection.commit()


def of_another_version(path: Path) -> None:
    """A real one, with a number that this program does not know."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        [(version,)] = connection.execute("PRAGMA user_version").fetchall()
        connection.execute(f"PRAGMA user_version = {version + 1000}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.commit()


@pytest.fixture
def start(viewer_program: Path, tmp_path: Path) -> Iterator[Callable[[Path], tuple[Any, int]]]:
    started: list[subprocess.Popen[str]] = []

    def start(data: Path) -> tuple[Any, int]:
        ports = tmp_path / "ports.json"
        ports.unlink(missing_ok=True)
        command = [viewer_program, "start", "--quiet", "--data", data, *FREE]
        process = subprocess.Popen(
            [*command, "--ports-file", ports], stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process, port_in(ports, process)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("make", [garbage, of_another_program, of_another_version])
def test_a_file_that_is_not_this_versions_is_named_and_left_alone(
    start: Callable[[Path], tuple[Any, int]], tmp_path: Path, make: Callable[[Path], None]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if make is of_another_version:
        process, port = start(data)
        ask(port, "POST", "/v1/traces", large(1))
        process.terminate()
        process.communicate(timeout=30)
    make(data / FILE)
    before = (data / FILE).read_bytes()
    process, port = start(data)
    ask(port, "POST", "/v1/traces", large(7))
    store = ask(port, "GET", "/api/status")["store"]
    assert store["mode"] == "memory" and store["spans"] == 10
    assert str(data / FILE) in store["trouble"] and "memory" in store["trouble"]
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert str(data / FILE) in said
    assert (data / FILE).read_bytes() == before


def test_other_files_in_the_directory_are_left_alone(
    start: Callable[[Path], tuple[Any, int]], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("notes.txt", "telemetry.sqlite.bak", "blocks"):
        (data / name).write_text(name)
    process, port = start(data)
    ask(port, "POST", "/v1/traces", large(1))
    store = ask(port, "GET", "/api/status")["store"]
    assert (store["mode"], store["trouble"], store["spans"]) == ("disk", None, 10)
    process.terminate()
    process.communicate(timeout=30)
    for name in ("notes.txt", "telemetry.sqlite.bak", "blocks"):
        assert (data / name).read_text() == name
