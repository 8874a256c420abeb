"""The official contrib instrumentations on top of ours, compared with themselves on the official
SDK: same programs, same spans, metrics and log records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.client import Collector
from differential.check import Collectors, check
from differential.runner import Case, find_cases
from instrumentation.results import record
from instrumentation.servers import Servers

CASES = find_cases(Path(__file__).resolve().parent)


@pytest.fixture(scope="module")
def collectors(official_python: Path) -> Iterator[Collectors]:
    with Collector(official_python) as first, Collector(official_python) as second:
        yield first, second


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    started = Servers()
    yield started
    started.stop()


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_an_instrumentation_makes_the_same_signals(
    case: Case, collectors: Collectors, servers: Servers, official_python: Path, tmp_path: Path
) -> None:
    outcome = check(case, collectors, official_python, tmp_path, servers)
    # An instrumentation that refuses the library's version does nothing on both.
    assert record(case, outcome), f"{case.id} exports nothing that an instrumentation made"
