"""Under the wrappers of another tracer, or around them, ours record the same and break nothing."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "stacked.py"


@pytest.fixture(scope="module")
def ddtrace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ddtrace, whose plugin would follow each test of an environment that has it."""
    folder = tmp_path_factory.mktemp("ddtrace")
    present = [f"{name}=={version(name)}" for name in ("opentelemetry-api", "wrapt")]
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(folder)]
    subprocess.run([*command, "ddtrace==4.16.0", *present], timeout=300, check=True)
    return folder


def told(other: str, order: str, folder: Path) -> list[str]:
    finished = subprocess.run(
        [sys.executable, PROGRAM, other, order],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


@pytest.fixture(scope="module")
def alone(ddtrace: Path) -> list[str]:
    return told("none", "before", ddtrace)


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("other", ["sentry", "ddtrace"])
def test_another_tracer_changes_nothing(
    other: str, order: str, alone: list[str], ddtrace: Path
) -> None:
    assert told(other, order, ddtrace) == alone
    assert len(alone) == 10
    assert all(line.endswith("[]") == line.startswith("afterwards") for line in alone)
