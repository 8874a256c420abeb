"""The same small programs on the official packages and on ours: what they export, observe, log,
warn and print is compared whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.client import Collector
from official.differential.check import Collectors, check
from official.differential.runner import Case, find_cases

CASES = find_cases()


@pytest.fixture(scope="module")
def collectors(official_python: Path) -> Iterator[Collectors]:
    with Collector(official_python) as first, Collector(official_python) as second:
        yield first, second


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_program_does_the_same_as_on_the_official_packages(
    case: Case, collectors: Collectors, official_python: Path, tmp_path: Path
) -> None:
    check(case, collectors, official_python, tmp_path)
