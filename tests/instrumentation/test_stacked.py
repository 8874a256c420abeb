"""Under the wrappers of another tracer, or around them, ours record the same and break nothing."""

import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "stacked.py"


@cache
def told(other: str, order: str) -> list[str]:
    finished = subprocess.run(
        [sys.executable, PROGRAM, other, order],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


# ddtrace's plugin follows every test of an environment that it is in, so it is tried where somebody
# has installed it.
@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize(("other", "module"), [("sentry", "sentry_sdk"), ("ddtrace", "ddtrace")])
def test_another_tracer_changes_nothing(other: str, module: str, order: str) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    alone = told("none", "before")
    assert told(other, order) == alone
    assert len(alone) == 10
    assert all(line.endswith("[]") == line.startswith("afterwards") for line in alone)
