"""Fixtures every room uses: the scripted receiver, certificates, and programs run in processes
of their own on ours or on the official packages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from collector.client import Collector

TESTS = Path(__file__).resolve().parent
# How long an example takes says nothing on a machine that is busy.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def _official_python() -> Path:
    given = os.environ.get("OXITEL_OFFICIAL_PYTHON")
    # absolute(), not resolve(): the link to the base interpreter must stay unresolved.
    return Path(given or TESTS.parent / ".venv-official" / "bin" / "python").absolute()


@pytest.fixture(scope="session")
def official_python() -> Path:
    """The interpreter of the environment with the official packages."""
    python = _official_python()
    if not python.exists():
        pytest.fail(
            f"{python} does not exist: make the official environment from "
            "tests/requirements-official.txt, or name its interpreter in OXITEL_OFFICIAL_PYTHON"
        )
    return python


@pytest.fixture(autouse=True)
def _all_warnings_are_news() -> None:
    from oxitel import _native

    _native.forget_said()


@pytest.fixture(scope="session")
def _collector_process(official_python: Path) -> Iterator[Collector]:
    with Collector(official_python) as process:
        yield process


@pytest.fixture
def collector(_collector_process: Collector) -> Collector:
    """A receiver for gRPC and HTTP with an empty script and ports that no other test has."""
    _collector_process.renew()
    return _collector_process


@pytest.fixture
def start_collector(official_python: Path) -> Iterator[Callable[..., Collector]]:
    """Starts further receivers: `start_collector(certificate=…, key=…, client_authority=…)`."""
    started: list[Collector] = []

    def start(**options: Any) -> Collector:
        started.append(Collector(official_python, **options))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """PEM files of an authority, a server and a client (`collector.certificates`)."""
    from collector.certificates import make_certificates

    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Kafka broker; skips where there is no wheel of one."""
    from broker import running_broker

    with running_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


@dataclass(frozen=True)
class ProgramResult:
    """How a program ended."""

    exit_code: int
    stdout: str
    stderr: str


RunProgram = Callable[..., ProgramResult]


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test that forks needs a system that does; what newer Pythons say of it is known."""
    if item.get_closest_marker("fork"):
        item.add_marker(pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork"))
        item.add_marker(pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"))


@pytest.fixture
def run_program(tmp_path: Path) -> RunProgram:
    """Runs a small program in a process of its own.

    `run_program(source_or_path, implementation="oxitel" | "official", env={…}, timeout=240)`.
    A `Path` is run as it is, text is written to `program.py` first. The environment is this
    one's, cleaned by `program_environment`, plus `env`. Raises subprocess.TimeoutExpired, after a
    time in which a machine that has a hundredth of a processor to spare runs it too.
    """

    def run(
        source_or_path: str | Path,
        implementation: str = "oxitel",
        env: Mapping[str, str] | None = None,
        *,
        arguments: tuple[str, ...] = (),
        timeout: float = 240.0,
        check: bool = False,
    ) -> ProgramResult:
        pythons = {"oxitel": Path(sys.executable), "official": _official_python()}
        if isinstance(source_or_path, Path):
            path = source_or_path
        else:
            path = tmp_path / "program.py"
            path.write_text(source_or_path, encoding="utf-8")
        process = subprocess.run(
            [str(pythons[implementation]), str(path), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=timeout,
            check=False,
            cwd=tmp_path,
            env=program_environment(env),
        )
        result = ProgramResult(process.returncode, process.stdout, process.stderr)
        if check and result.exit_code != 0:
            pytest.fail(f"exit code {result.exit_code}\n{result.stdout}\n{result.stderr}")
        return result

    return run


# Settings of the machine that would decide whom a program trusts or where it connects.
_MACHINE_SETTINGS = ("OTEL_", "PYTHON", "SSL_CERT_", "GRPC_")
_MACHINE_VARIABLES = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}


def program_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would change the outcome (OTEL_ and PYTHON
    variables, proxies, certificate bundles), plus `extra`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_MACHINE_SETTINGS)
        and name not in _MACHINE_VARIABLES
        and not name.lower().endswith("_proxy")
    }
    return kept | dict(extra or {})
