"""The clients' scenarios, run in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker import needs
from conftest import program_environment

PROGRAMS = Path(__file__).parent / "programs"
# One for each client of programs/: the wheels that may be missing for a new interpreter.
CLIENTS = {"kafka_python": "kafka", "confluent": "confluent_kafka", "aio": "aiokafka"}
Scenario = dict[str, Any]


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
