"""Contrib's own tests of its instrumentations pass with ours, but for what `contrib.REASONS` lists
and for what fails with contrib's too."""

from __future__ import annotations

from functools import partial

import pytest

from official.suites.contrib import CONTRIB, REASONS, is_listed
from official.suites.runner import PASSED, prepare, unexpected


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", CONTRIB)
def test_what_passes_with_contribs_instrumentation_passes_with_ours(name: str) -> None:
    suite = CONTRIB[name]
    ours, failed = unexpected(prepare(name, suite), suite, suite.tests, partial(is_listed, name))
    assert len(ours.of(PASSED)) > 5, ours.summary
    assert failed == set(), ours.summary


def test_a_reason_is_one_of_a_suite_that_is_run() -> None:
    assert set(REASONS) <= set(CONTRIB)
