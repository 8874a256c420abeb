"""Packages that build upon the SDK, some by its private names: with `import oxitel.auto` first they
do the same on ours as on the official SDK, which is installed beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.client import Collector
from differential.check import Collectors, check
from differential.runner import Case, find_cases

HERE = Path(__file__).resolve().parent
CASES = find_cases(HERE)
SWITCH = {"PYTHONPATH": str(HERE.parents[1] / "python"), "PROGRAM_IMPORTS_FIRST": "oxitel.auto"}


@pytest.fixture(scope="module")
def collectors(official_python: Path) -> Iterator[Collectors]:
    with Collector(official_python) as first, Collector(official_python) as second:
        yield first, second


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_package_does_the_same(
    case: Case, collectors: Collectors, packages_python: Path, tmp_path: Path
) -> None:
    outcome = check(case, collectors, packages_python, tmp_path, switch=SWITCH)
    # Something was exported, or seen by an exporter.
    assert outcome["requests"] or len(outcome["observations"]) > 1
