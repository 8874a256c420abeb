"""A running viewer, the built program, and the questions it answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROTOBUF = "application/x-protobuf"


class Viewer:
    """A running viewer and the questions it answers."""

    def __init__(self, program: Path, folder: Path, *options: str) -> None:
        self.program = program
        ports_file = folder / "ports.json"
        addresses = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
        self.process = subprocess.Popen(
            [program, "receive", *addresses, "--ports-file", ports_file, *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not ports_file.exists():
            assert self.process.poll() is None, "the viewer ended while it started"
            assert time.monotonic() < deadline, "the viewer did not say its ports"
            time.sleep(0.01)
        ports = json.loads(ports_file.read_text())
        self.grpc_port: int = ports["grpc"]
        self.http_port: int = ports["http"]

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)
        with contextlib.closing(connection):
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, names)
            response = connection.getresponse()
            return response.status, response.read()

    def ask(self, path: str) -> Any:
        status, body = self.request("GET", path)
        assert status == 200, body
        return json.loads(body)

    def send(self, body: bytes, **headers: str) -> int:
        return self.request("POST", "/v1/traces", body, content_type=PROTOBUF, **headers)[0]

    def show(self, *arguments: str, **environment: str) -> str:
        return self.run("show", *arguments, **environment)

    def run(self, *arguments: str, **environment: str) -> str:
        command = [self.program, *arguments, "--from", f"127.0.0.1:{self.http_port}"]
        result = subprocess.run(
            command,
            capture_output=True,
            check=True,
            encoding="utf-8",
            env=os.environ | {"LC_ALL": "C.UTF-8"} | environment,
            timeout=30,
        )
        return result.stdout

    def stop(self) -> str:
        self.process.terminate()
        output, _ = self.process.communicate(timeout=10)
        return output


@pytest.fixture(scope="session")
def viewer_program() -> Path:
    """The built program."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    # A build without optimisation will do, but not where time is measured.
    program = Path(os.environ.get("OXITEL_VIEWER", target / "release" / "oxitel-viewer"))
    if not program.exists():
        pytest.fail(f"{program} does not exist: `make build` builds it")
    return program


@contextlib.contextmanager
def stopping() -> Iterator[list[Viewer]]:
    started: list[Viewer] = []
    yield started
    for viewer in started:
        if viewer.process.poll() is None:
            viewer.stop()


@pytest.fixture
def start_viewer(viewer_program: Path, tmp_path: Path) -> Iterator[Callable[..., Viewer]]:
    with stopping() as started:

        def start(*options: str) -> Viewer:
            started.append(Viewer(viewer_program, tmp_path, *options))
            return started[-1]

        yield start


@pytest.fixture(scope="session")
def start_lasting_viewer(
    viewer_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Viewer]]:
    """Starts viewers for several tests, which end after the last one."""
    with stopping() as started:

        def start(*options: str) -> Viewer:
            folder = tmp_path_factory.mktemp("viewer")
            started.append(Viewer(viewer_program, folder, *options))
            return started[-1]

        yield start


@pytest.fixture
def viewer(start_viewer: Callable[..., Viewer]) -> Viewer:
    return start_viewer()
