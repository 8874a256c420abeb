"""The stack trace text of a recorded exception is what `traceback.format_exception` gives."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider


def raise_plain() -> None:
    raise ValueError("plain")


def raise_without_message() -> None:
    raise KeyError


def raise_with_cause() -> None:
    try:
        raise_plain()
    except ValueError as error:
        raise RuntimeError("with a cause") from error


def raise_with_context() -> None:
    try:
        raise_plain()
    except ValueError:
        raise RuntimeError("with a context")  # noqa: B904


def raise_with_hidden_context() -> None:
    try:
        raise_plain()
    except ValueError:
        raise RuntimeError("alone") from None


def raise_chain_of_three() -> None:
    try:
        raise_with_cause()
    except RuntimeError as error:
        raise LookupError("the third") from error


def raise_recursion() -> None:
    def down(depth: int) -> None:
        if depth == 0:
            raise OSError(2, "bottom")
        down(depth - 1)

    down(12)


def raise_mutual_recursion() -> None:
    def ping(depth: int) -> None:
        if depth == 0:
            raise OSError("bottom")
        pong(depth - 1)

    def pong(depth: int) -> None:
        ping(depth)

    ping(8)


def raise_misspelled_attribute() -> None:
    "text".uper()  # type: ignore[attr-defined]


def raise_misspelled_name() -> None:
    raise_plane()  # type: ignore[name-defined]  # noqa: F821


def raise_missing_module() -> None:
    import a_module_that_is_not_there  # type: ignore[import-not-found]  # noqa: F401


def raise_syntax_error() -> None:
    compile("a b\n", "program.py", "exec")


def raise_from_generated_code() -> None:
    exec(compile("def f():\n    1 / 0\nf()\n", "<generated>", "exec"), {})


def raise_with_lines_in_message() -> None:
    raise ValueError("first\nsecond\n")


def raise_own_class() -> None:
    class Own(Exception):
        pass

    raise Own("of a local class")


def raise_unprintable() -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise TypeError("no text")

    raise Unprintable


def raise_cycle() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


def raise_with_note() -> None:
    error = ValueError("noted")
    if sys.version_info >= (3, 11):
        error.add_note("a note")
    raise error


def raise_group() -> None:
    if sys.version_info < (3, 11):
        pytest.skip("exception groups came with 3.11")
    raise ExceptionGroup("some", [ValueError("one"), OSError("two")])  # noqa: F821


def raise_cause_that_is_a_group() -> None:
    try:
        raise_group()
    except Exception as error:
        raise RuntimeError("because of a group") from error


RAISERS = [value for name, value in sorted(globals().items()) if name.startswith("raise_")]


def caught(function: Callable[[], None]) -> BaseException:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("did not raise")


def recorded(error: BaseException) -> Any:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("span")
    span.record_exception(error)
    return span.events[0].attributes  # type: ignore[attr-defined]


@pytest.mark.parametrize("function", RAISERS, ids=lambda function: function.__name__)
def test_the_stack_trace_is_the_one_of_traceback(function: Callable[[], None]) -> None:
    # Twice: the second comes from the kept frames.
    for _ in range(2):
        error = caught(function)
        expected = "".join(traceback.format_exception(error))
        assert recorded(error)["exception.stacktrace"] == expected


def test_one_line_raising_in_two_places_is_told_apart() -> None:
    def divide(left: int, right: int) -> float:
        return (left / right) + (right / left)

    for left, right in [(1, 0), (0, 1)]:
        error = caught(lambda: divide(left, right))  # noqa: B023
        expected = "".join(traceback.format_exception(error))
        assert recorded(error)["exception.stacktrace"] == expected


def test_an_exception_that_was_never_raised_has_a_line_only() -> None:
    assert recorded(ValueError("not raised"))["exception.stacktrace"] == "ValueError: not raised\n"


def test_given_attributes_win_over_those_of_the_exception() -> None:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("span")
    span.record_exception(ValueError("x"), {"exception.message": "mine", "more": 1}, timestamp=5)
    event = span.events[0]  # type: ignore[attr-defined]
    assert event.timestamp == 5
    assert event.attributes["exception.message"] == "mine"
    assert event.attributes["more"] == 1


def test_what_is_in_the_place_of_format_exception_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = caught(raise_plain)
    assert "plain" in recorded(error)["exception.stacktrace"]
    own = traceback.format_exception

    def hiding(*arguments: Any, **options: Any) -> list[str]:
        return [line.replace("plain", "***") for line in own(*arguments, **options)]

    monkeypatch.setattr(traceback, "format_exception", hiding)
    text = recorded(error)["exception.stacktrace"]
    assert "ValueError: ***" in text
    assert "plain" not in text
