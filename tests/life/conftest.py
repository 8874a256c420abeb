"""Programs in processes of their own, with a time limit, exporting to the scripted receiver."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

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
            start_new_session=True,
        )
        self.early = ""

    def wait_for_line(self, text: str, timeout: float = 20.0) -> None:
        """Read standard output up to a line with the text; the program's time limit still holds."""
        assert self.process.stdout is not None
        started = time.monotonic()
        while time.monotonic() - started < timeout:
            line = self.process.stdout.readline()
            self.early += line
            if text in line:
                return
            if not line:
                break
        self.kill()
        raise AssertionError(f"no line with {text!r}: {self.early}{self.process.communicate()[1]}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """End the program and every child that still shares its session."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def finish(self, timeout: float = 30.0) -> Finished:
        """Wait until the program and all children that hold its output have ended."""
        try:
            self.process.wait(timeout)
            end = time.clock_gettime(time.CLOCK_MONOTONIC)
            stdout, stderr = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            # faulthandler then prints where each thread of the program stands.
            self.process.send_signal(signal.SIGABRT)
            time.sleep(0.5)
            self.kill()
            stdout, stderr = self.process.communicate(timeout=10)
            pytest.fail(f"the program, or a child of it, hangs\n{stdout}\n{stderr}")
        return Finished(self.process.returncode, self.early + stdout, stderr, end)


StartProgram = Callable[..., Running]
Run = Callable[..., Finished]


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
            [python, "-X", "faulthandler", *command], tmp_path, environment | (env or {})
        )
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.kill()
            running.process.communicate(timeout=10)


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
            collector.wait_for_count(at_least)
        # What comes twice comes after what came once.
        time.sleep(settle)
        return Counter(span["name"] for span in collector.spans())

    return arrived


@pytest.fixture(params=["grpc", "http"])
def protocol(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
