"""Programs in processes of their own, with a time limit, exporting to the scripted receiver."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from collector.connection import reserve_port

# Not a setting for users: OXITEL_LIFE_ON=official runs these programs on the official packages, to
# see that a test fails or passes for the right reason.
ON = os.environ.get("OXITEL_LIFE_ON", "oxitel")
PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Finished:
    """How a program ended; `end` is on the clock of `tracing.now`."""

    exit_code: int
    stdout: str
    stderr: str
    end: float

    def said(self, word: str) -> float:
        """When the program printed the word with `tracing.say_now`."""
        for line in self.stdout.splitlines():
            if line.startswith(word + " "):
                return float(line.split()[-1])
        raise AssertionError(f"the program never said {word!r}: {self.stdout}{self.stderr}")


class Output:
    """One stream of a program, read as it comes: a program must not wait for its reader."""

    def __init__(self, stream: IO[str]) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    self.lines.append(line)
                    self._changed.notify_all()

    def wait_for(self, text: str, timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: any(text in line for line in self.lines), timeout)

    def wait_for_count(self, text: str, count: int, timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: sum(text in line for line in self.lines) >= count, timeout
            )

    def ended(self, timeout: float) -> bool:
        """Whether everybody who could write has gone: the program and its children."""
        self._reader.join(timeout)
        return not self._reader.is_alive()

    def __str__(self) -> str:
        return "".join(list(self.lines))


class Running:
    """A program that was started; the test talks to it through signals and its output."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        # A session of its own, so that children that hang can be ended with it.
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdout = Output(self.process.stdout)
        self.stderr = Output(self.process.stderr)

    def wait_for_line(self, text: str, timeout: float = 20.0) -> None:
        """Wait until standard output has a line with the text."""
        if not self.stdout.wait_for(text, timeout):
            self.kill()
            raise AssertionError(f"no line with {text!r}: {self.stdout}{self.stderr}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """End the program and every child that still shares its session."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(10)

    def finish(self, timeout: float = 30.0) -> Finished:
        """Wait until the program and all children that hold its output have ended."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            # faulthandler then prints where each thread of the program stands.
            self.process.send_signal(signal.SIGABRT)
            time.sleep(0.5)
            self.kill()
            pytest.fail(f"the program hangs\n{self.stdout}\n{self.stderr}")
        end = time.clock_gettime(time.CLOCK_MONOTONIC)
        if not (self.stdout.ended(timeout) and self.stderr.ended(timeout)):
            self.kill()
            pytest.fail(f"a child of the program hangs\n{self.stdout}\n{self.stderr}")
        return Finished(self.process.returncode, str(self.stdout), str(self.stderr), end)


StartProgram = Callable[..., Running]
Run = Callable[..., Finished]


@pytest.fixture
def buffer(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A buffer on disk, and its journal in memory, that nobody else has."""
    memory = tempfile.mkdtemp(prefix="oxitel-test-", dir="/dev/shm")
    yield {
        "OXITEL_BUFFER_DIRECTORY": str(tmp_path / "buffer"),
        "OXITEL_BUFFER_JOURNAL": memory,
    }
    shutil.rmtree(memory, ignore_errors=True)


@pytest.fixture
def python(official_python: Path) -> str:
    return str(official_python) if ON == "official" else sys.executable


@pytest.fixture
def start_program(
    python: str, collector: Any, tmp_path: Path, life_environment: dict[str, str]
) -> Iterator[StartProgram]:
    """`start_program(source, protocol="grpc", env={…})`; the endpoint is the collector's."""
    started: list[Running] = []

    def start(
        source: str | None = None,
        *,
        command: list[str] | None = None,
        protocol: str = "grpc",
        env: dict[str, str] | None = None,
        wrapper: list[str] | None = None,
    ) -> Running:
        if source is not None:
            (tmp_path / "program.py").write_text(textwrap.dedent(source), encoding="utf-8")
            command = ["program.py"]
        assert command is not None
        endpoint = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint
        environment = life_environment | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "LIFE_PROTOCOL": protocol,
        }
        running = Running(
            [*(wrapper or []), python, "-X", "faulthandler", *command],
            tmp_path,
            environment | (env or {}),
        )
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.kill()


@pytest.fixture
def life_environment() -> dict[str, str]:
    from conftest import program_environment

    return program_environment(
        {
            "PYTHONPATH": str(PROGRAMS),
            "PYTHONUNBUFFERED": "1",
            # CPython 3.12 and newer warn about every fork of a process that has threads.
            "PYTHONWARNINGS": "ignore:This process:DeprecationWarning",
        }
    )


@pytest.fixture
def run(start_program: StartProgram) -> Run:
    """Run the program to its end; it must end as expected and print nothing to standard error."""

    def run(
        source: str,
        *,
        exit_code: int = 0,
        silent: bool = True,
        timeout: float = 30.0,
        **options: Any,
    ) -> Finished:
        finished = start_program(source, **options).finish(timeout)
        assert finished.exit_code == exit_code, finished.stdout + finished.stderr
        if silent:
            assert finished.stderr == ""
        return finished

    return run


@pytest.fixture
def arrived(collector: Any) -> Callable[..., Counter[str]]:
    """How many spans of each name the collector accepted, after it has had time for more."""

    def arrived(at_least: int = 0, settle: float = 0.2) -> Counter[str]:
        if at_least:
            collector.wait_for_count(at_least, 5)
        # What comes twice comes after what came once.
        time.sleep(settle)
        return Counter(span["name"] for span in collector.spans())

    return arrived


@pytest.fixture(params=["grpc", "http"])
def protocol(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


# Endpoints behind which there is no receiver.


@pytest.fixture
def black_hole() -> Iterator[str]:
    """Takes connections and reads what comes, and never answers."""
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connections.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()


@pytest.fixture
def full_backlog() -> Iterator[str]:
    """Listens, and leaves every connection unanswered in the kernel's queue."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
        for filler in fillers:
            filler.close()


@pytest.fixture
def refused() -> Iterator[str]:
    port, kept = reserve_port()
    with kept:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def unresolvable() -> str:
    return "http://collector.invalid:4317"
