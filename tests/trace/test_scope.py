"""Instrumentation scopes, the small containers of `opentelemetry.sdk.util`, the error handler:
the same programs on ours and on the official packages, and what is our own."""

from __future__ import annotations

import copy
import json
import textwrap
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from opentelemetry.sdk.error_handler import ErrorHandler, GlobalErrorHandler
from opentelemetry.sdk.util import BoundedList, get_dict_as_key, ns_to_iso_str
from opentelemetry.sdk.util.instrumentation import (
    InstrumentationInfo,
    InstrumentationScope,
    _scope_name_matches_glob,
)

SAME_ON_BOTH = textwrap.dedent(
    """
    import copy, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    from opentelemetry.sdk.util import BoundedDict, BoundedList, get_dict_as_key, ns_to_iso_str
    from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope

    def attempt(function):
        try:
            return function()
        except Exception as error:
            return type(error).__name__

    scopes = [
        InstrumentationScope("a"),
        InstrumentationScope("a", None, ""),
        InstrumentationScope("a", "1", "schema", {"key": [1, 2], "bad": object()}),
        InstrumentationScope("a", "1", "schema", {"key": [1, 3]}),
        InstrumentationScope("b", "1"),
    ]
    for one in scopes:
        print(str(one).split("object at")[0], one.schema_url, one.version, one.name)
        for other in scopes:
            print(one == other, attempt(lambda: one < other), hash(one) == hash(other))
    print(scopes[0].to_json(), scopes[3].to_json(None))
    print(scopes[0] == 1, attempt(lambda: scopes[0] < 1))
    print(attempt(lambda: scopes[2].attributes.update(x=1)), scopes[3].attributes["key"])
    infos = [InstrumentationInfo(*values) for values in (("a", "1"), ("a", "1", "s"), ("b", "1"))]
    for one in infos:
        print(one, one.schema_url)
        print([one == other for other in infos], [one < other for other in infos])
    print(attempt(lambda: infos[0] < scopes[0]), infos[0] == scopes[0])
    print(hash(infos[0]) == hash(infos[1]))

    for maxlen in (None, 0, 1, 3):
        bounded = BoundedList(maxlen)
        bounded.append(1)
        bounded.extend([2, 3, 4, 5])
        print(bounded, len(bounded), list(bounded), bounded.dropped, attempt(lambda: bounded[0]))
        print(copy.deepcopy(bounded), copy.deepcopy(bounded).dropped, 4 in bounded)
        print(attempt(lambda: BoundedDict.from_map(maxlen, {"a": 1, "b": 2, "c": 3, "d": 4})))
        named = BoundedDict(maxlen)
        for key in "abcab":
            named[key] = key
        print(named, list(named), len(named), named.dropped)
        print(attempt(lambda: named.__delitem__("a")), list(named))
    print(BoundedList.from_seq(2, iter("abc")), BoundedList.from_seq(2, iter("abc")).dropped)
    for wrong in (-1, "a"):
        print(attempt(lambda: BoundedDict(wrong)), attempt(lambda: BoundedList(wrong)))
    for nanoseconds in (0, 1, 999, 1_000, 1_700_000_000_123_456_789, -1_000_000_000):
        print(ns_to_iso_str(nanoseconds))
    print(get_dict_as_key({"b": [1, 2], "a": "x"}), get_dict_as_key({}))
    """
)


def test_scopes_and_containers_behave_as_the_official_ones(run_program: Any) -> None:
    ours = run_program(SAME_ON_BOTH, "oxitel", check=True)
    official = run_program(SAME_ON_BOTH, "official", check=True)
    assert ours.stdout == official.stdout
    assert len(ours.stdout.splitlines()) > 60


@settings(deadline=None)
@given(st.one_of(st.none(), st.integers(0, 5)), st.lists(st.lists(st.integers(), max_size=4)))
def test_a_bounded_list_keeps_the_newest_and_counts_the_rest(
    maxlen: int | None, parts: list[list[int]]
) -> None:
    bounded = BoundedList(maxlen)
    for part in parts:
        bounded.extend(part)
        bounded.append(0)
    everything = [item for part in parts for item in [*part, 0]]
    count = len(everything) if maxlen is None else min(maxlen, len(everything))
    kept = everything[len(everything) - count :]
    assert list(bounded) == kept
    assert bounded.dropped == len(everything) - len(kept)
    assert list(copy.deepcopy(bounded)) == kept


def test_what_is_deprecated_says_so() -> None:
    from opentelemetry.sdk.util import BoundedDict

    with pytest.warns(DeprecationWarning, match=r"Deprecated since version 1\.4\.0"):
        BoundedDict(1)
    with pytest.warns(DeprecationWarning, match="You should use InstrumentationScope"):
        InstrumentationInfo("name")


def test_names_of_scopes_match_patterns_with_their_case() -> None:
    matches = _scope_name_matches_glob("io.open*.sdk")
    names = ("io.opentelemetry.sdk", "io.open.sdk", "IO.open.sdk", "io.sdk")
    found = [matches(InstrumentationScope(name)) for name in names]
    assert found == [True, True, False, False]


def test_json_of_a_scope_can_be_read() -> None:
    scope = InstrumentationScope("name", "1", "schema", {"key": (1, 2)})
    assert json.loads(scope.to_json()) == {
        "name": "name",
        "version": "1",
        "schema_url": "schema",
        "attributes": {"key": [1, 2]},
    }
    assert ns_to_iso_str(1_500_000) == "1970-01-01T00:00:00.001500Z"
    assert get_dict_as_key({"a": 1}) == (("a", 1),)


class EntryPoint:
    def __init__(self, handler: type[ErrorHandler]) -> None:
        self.handler = handler

    def load(self) -> type[ErrorHandler]:
        return self.handler


def register(monkeypatch: pytest.MonkeyPatch, *handlers: type[ErrorHandler]) -> None:
    def entry_points(group: str) -> list[EntryPoint]:
        assert group == "opentelemetry_error_handler"
        return [EntryPoint(handler) for handler in handlers]

    monkeypatch.setattr("opentelemetry.util._importlib_metadata.entry_points", entry_points)


def test_an_error_is_handled_by_those_who_are_for_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handled: list[tuple[str, str]] = []

    class Divisions(ErrorHandler, ZeroDivisionError):
        def _handle(self, error: Exception, *args: Any, **kwargs: Any) -> None:
            handled.append(("divisions", type(error).__name__))

    class Keys(ErrorHandler, KeyError):
        def _handle(self, error: Exception, *args: Any, **kwargs: Any) -> None:
            handled.append(("keys", type(error).__name__))

    class Broken(ErrorHandler, KeyError):
        def _handle(self, error: Exception, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("broken on purpose")

    register(monkeypatch, Divisions, Broken, Keys)
    with GlobalErrorHandler():
        1 / 0  # noqa: B018
    with GlobalErrorHandler():
        raise KeyError("key")
    assert handled == [("divisions", "ZeroDivisionError"), ("keys", "KeyError")]
    assert "RuntimeError error while handling error KeyError by error handler Broken" in caplog.text


def test_an_error_that_nobody_is_for_is_logged_and_not_raised(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register(monkeypatch)
    with GlobalErrorHandler():
        raise ValueError("of nobody")
    assert "Error handled by default error handler: " in caplog.text
    assert "of nobody" in caplog.text
    with GlobalErrorHandler():
        pass
    assert len(caplog.records) == 1
    assert GlobalErrorHandler() is GlobalErrorHandler()
