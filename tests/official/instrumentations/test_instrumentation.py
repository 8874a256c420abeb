"""The official contrib instrumentations on top of ours, compared with themselves on the official
SDK: same programs, same spans, metrics and log records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path

import pytest

from collector.client import Collector
from official.differential.check import Collectors, check
from official.differential.runner import Case, find_cases
from official.instrumentations.results import record
from official.instrumentations.servers import Servers

ROOT = Path(__file__).resolve().parents[3]
CASES = find_cases(Path(__file__).resolve().parent)
PUBLISHED = json.loads((ROOT / "docs/instrumentations.json").read_text(encoding="utf-8"))[
    "programs"
]
RENDER = "run these tests, then scripts/render_instrumentations.py"


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
    made = record(case, check(case, collectors, official_python, tmp_path, servers))
    # An instrumentation that refuses the version of its library makes nothing on both sides.
    if case.id in PUBLISHED:
        assert list(made) == list(PUBLISHED[case.id]["made"]), (
            "not what docs/instrumentations.md says"
        )


def test_the_published_results_have_every_program() -> None:
    assert sorted(PUBLISHED) == sorted(case.id for case in CASES), RENDER


def test_the_page_is_rendered_from_the_published_results() -> None:
    script = run_path(str(ROOT / "scripts/render_instrumentations.py"))
    page = (ROOT / "docs/instrumentations.md").read_text(encoding="utf-8")
    assert script["rendered"](page) == page, RENDER
