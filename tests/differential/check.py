"""Runs one program on both implementations at once and fails on every difference not in the table.

`OXITEL_DIFFERENTIAL_CANDIDATE=official` compares the official packages with themselves, which
shows that the comparison does not depend on chance.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from collector.client import Collector

from differential.comparison import differences
from differential.differences import unexpected
from differential.runner import Case, Running

Collectors = tuple[Collector, Collector]
CANDIDATE = os.environ.get("OXITEL_DIFFERENTIAL_CANDIDATE", "oxitel")


def check(case: Case, collectors: Collectors, official_python: Path, folder: Path) -> None:
    candidate = official_python if CANDIDATE == "official" else Path(sys.executable).absolute()
    now_nanos = time.time_ns()
    reference = Running(case, official_python, collectors[0], folder / "reference")
    tested = Running(case, candidate, collectors[1], folder / "candidate")
    expected, got = reference.outcome(60), tested.outcome(60)
    # A program that fails on the official packages by its own mistake would compare nothing.
    assert "observations" in expected, expected["stderr"]
    assert "raised" not in expected, expected["where"]
    found = differences(expected, got, now_nanos)
    if CANDIDATE == "official":
        uncovered, stale = found, []
    else:
        uncovered, stale = unexpected(case.id, found)
    report = [
        f"{path}:\n  official {want!r}\n  {CANDIDATE} {have!r}" for path, want, have in uncovered
    ]
    assert not uncovered, f"{case.id} differs:\n" + "\n".join(report)
    assert not stale, f"rows of differences.py that no longer hold: {stale}"
