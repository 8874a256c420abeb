"""What the page computes itself, called in the browser: layers of the map of services, spans merged
for the flame graph, durations and terms of queries as they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def call(checkouts: Any, open_page: Callable[..., Any]) -> Callable[..., Any]:
    """Calls a function of a file of the page: `call("format.mjs", "duration", 5)`."""
    page = open_page(checkouts, "/compare")
    run = "([file, name, given]) => import(`/assets/${file}`).then((it) => it[name](...given))"

    def go(file: str, name: str, *given: Any) -> Any:
        return page.evaluate(run, [file, name, given])

    return go


def edges(*pairs: str) -> list[dict[str, str]]:
    return [{"from": pair[0], "to": pair[1]} for pair in pairs]


@pytest.mark.parametrize(
    ("pairs", "columns"),
    [
        (("ab", "bc", "ac"), ["a", "b", "c"]),
        (("ab", "ac", "bd", "cd"), ["a", "bc", "d"]),
        (("aa", "ab"), ["a", "b"]),
        (("ab", "bc", "ca"), ["a", "b", "c"]),
    ],
)
def test_who_is_called_stands_right_of_who_calls(
    call: Callable[..., Any], pairs: tuple[str, ...], columns: list[str]
) -> None:
    names = sorted({letter for pair in pairs for letter in pair})
    found = call("services.mjs", "layers", names, edges(*pairs))
    assert ["".join(sorted(column)) for column in found] == columns


def test_spans_of_one_name_under_the_same_parents_are_one(call: Callable[..., Any]) -> None:
    # A root of 100 with two of "a" (one of them with a "b" below), and a "b" of its own.
    columns = {
        "span_id": ["1", "2", "3", "4", "5"],
        "depth": [0, 1, 2, 1, 1],
        "service": [0] * 5,
        "name": [0, 1, 2, 1, 2],
        "status": [0, 0, 2, 0, 0],
        "duration_nanos": [100, 40, 10, 20, 30],
        "self_nanos": [10, 30, 10, 20, 30],
        "critical_nanos": [10, 30, 10, 20, 30],
    }
    trace = {"columns": columns, "services": ["shop"], "names": ["root", "a", "b"]}
    listed = call("flame.mjs", "grouped", trace)
    operations = {it["name"]: (it["count"], it["self"], it["errors"]) for it in listed}
    assert operations == {"root": (1, 10, 0), "a": (2, 50, 0), "b": (2, 40, 1)}
    root = call("flame.mjs", "merged", trace)["children"][0]
    assert (root["value"], root["count"]) == (100, 1)
    first, second = root["children"]
    # The widest first.
    assert (first["name"], first["count"], first["value"], len(first["children"])) == (
        "a",
        2,
        60,
        1,
    )
    assert (second["name"], second["count"], second["value"]) == ("b", 1, 30)


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.50 µs"),
        (12_345_678, "12.3 ms"),
        (59_999_000_000, "60.0 s"),
        (61_000_000_000, "1 min 1 s"),
        (-1, "–"),
    ],
)
def test_a_duration_is_written_with_three_digits(
    call: Callable[..., Any], nanos: int, text: str
) -> None:
    assert call("format.mjs", "duration", nanos) == text


def test_the_term_of_an_attribute_finds_its_span(call: Callable[..., Any], checkouts: Any) -> None:
    attribute = {"key": "coupon", "type": "string", "value": "SUMMER"}
    term = call("format.mjs", "term", attribute)
    assert term == 'coupon="SUMMER"'
    assert (
        call("format.mjs", "term", {**attribute, "value": 'a "b" \\'}) == 'coupon="a \\"b\\" \\\\"'
    )
    assert call("format.mjs", "term", {"key": "k", "type": "array", "value": []}) is None
