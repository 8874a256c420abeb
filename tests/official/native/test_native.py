"""Our own instrumentations against contrib's on the official SDK: same programs, same spans and
metrics, in each of the semantic conventions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.client import Collector
from official.differential.check import Collectors, check
from official.differential.runner import Case, find_cases
from official.instrumentations.results import record_ours
from official.instrumentations.servers import Servers
from official.native.unordered import unordered

HERE = Path(__file__).resolve().parent
CASES = find_cases(HERE)
PUBLISHED = json.loads(
    (HERE.parents[2] / "docs/instrumentations.json").read_text(encoding="utf-8")
)["ours"]
# In the environment that has contrib's, ours win.
SWITCH = {"PYTHONPATH": str(HERE.parents[2] / "python"), "PROGRAM_IMPORTS_FIRST": "oxitel.auto"}


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
def test_an_instrumentation_of_ours_makes_the_same_signals(
    case: Case, collectors: Collectors, servers: Servers, official_python: Path, tmp_path: Path
) -> None:
    outcome = check(case, collectors, official_python, tmp_path, servers, SWITCH, seen=unordered)
    names = record_ours(case, outcome)
    if names:
        published = PUBLISHED.get(case.id, {})
        assert names == published.get("made"), "not what docs/instrumentations.md says"


def test_the_published_names_are_of_programs_that_are_here() -> None:
    assert PUBLISHED.keys() <= {case.id for case in CASES}
