"""The same small programs on the official packages and on ours: what they export, observe, log,
warn and print is compared whole.

`OXITEL_DIFFERENTIAL_CANDIDATE=official` compares the official packages with themselves, which
shows that the comparison does not depend on chance.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from collector.client import Collector

from differential.comparison import differences
from differential.differences import unexpected
from differential.runner import Case, Running, find_cases

CANDIDATE = os.environ.get("OXITEL_DIFFERENTIAL_CANDIDATE", "oxitel")
CASES = find_cases()


@pytest.fixture(scope="module")
def collectors(official_python: Path) -> Iterator[tuple[Collector, Collector]]:
    with Collector(official_python) as first, Collector(official_python) as second:
        yield first, second


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_program_does_the_same_as_on_the_official_packages(
    case: Case,
    collectors: tuple[Collector, Collector],
    official_python: Path,
    tmp_path: Path,
) -> None:
    candidate = official_python if CANDIDATE == "official" else Path(sys.executable).absolute()
    now_nanos = time.time_ns()
    reference = Running(case, official_python, collectors[0], tmp_path / "reference")
    tested = Running(case, candidate, collectors[1], tmp_path / "candidate")
    expected, got = reference.outcome(60), tested.outcome(60)
    # A program that fails on the official packages by its own mistake would compare nothing.
    assert "observations" in expected, expected["stderr"]
    assert "NameError" not in str(expected.get("raised")), expected
    found = differences(expected, got, now_nanos)
    if CANDIDATE == "official":
        uncovered, stale = found, []
    else:
        uncovered, stale = unexpected(case.id, found)
    report = [f"{path}:\n  official {want!r}\n  {CANDIDATE} {have!r}" for path, want, have in uncovered]
    assert not uncovered, f"{case.id} differs:\n" + "\n".join(report)
    assert not stale, f"rows of differences.py that no longer hold: {stale}"
