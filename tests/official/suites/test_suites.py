"""A part of the tests of distributions that build upon the SDK, and those of the official OTLP
exporters, which `make suites` runs whole: what passes on the official SDK passes on ours."""

from __future__ import annotations

import pytest

from official.suites.__main__ import ALL
from official.suites.catalog import SUITES
from official.suites.differences import ONLY_OURS, unlisted
from official.suites.runner import PASSED, only_ours, prepare, unexpected
from official.suites.upstream import REASONS, UPSTREAM

SHORT = [name for name, suite in SUITES.items() if suite.short]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", SHORT)
def test_what_passes_on_the_official_sdk_passes_on_ours(name: str) -> None:
    suite = SUITES[name]
    official, ours, failed = only_ours(prepare(name, suite), suite, suite.short)
    assert len(official.of(PASSED)) > 20, official.summary
    assert unlisted(name, failed) == set(), ours.summary


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [name for name, suite in UPSTREAM.items() if suite.short])
def test_the_tests_of_upstreams_exporters_pass_but_those_that_want_something_else(
    name: str,
) -> None:
    suite, known = UPSTREAM[name], tuple(REASONS[name])
    ours, failed = unexpected(
        prepare(name, suite), suite, suite.short, lambda test: test.startswith(known)
    )
    assert len(ours.of(PASSED)) > 15, ours.summary
    assert failed == set(), ours.summary


def test_a_listed_difference_is_one_of_a_suite_that_is_run() -> None:
    assert set(ONLY_OURS) <= set(ALL)
