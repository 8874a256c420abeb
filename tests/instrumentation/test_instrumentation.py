"""The official contrib instrumentations on top of ours, compared with themselves on the official
SDK: same programs, same spans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.client import Collector
from differential.check import Collectors, check
from differential.runner import Case, find_cases

CASES = find_cases(Path(__file__).resolve().parent)


@pytest.fixture(scope="module")
def collectors(official_python: Path) -> Iterator[Collectors]:
    with Collector(official_python) as first, Collector(official_python) as second:
        yield first, second


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_an_instrumentation_makes_the_same_spans(
    case: Case, collectors: Collectors, official_python: Path, tmp_path: Path
) -> None:
    check(case, collectors, official_python, tmp_path)
