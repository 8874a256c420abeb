"""Runs what may hang for no longer than it is allowed to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def bounded(seconds: float, function: Callable[..., _Result], *arguments: Any) -> _Result:
    """What `function` returns or raises; TimeoutError if it takes longer than `seconds`.

    It is left behind then, on a thread that does not keep the process from ending.
    """
    results: list[_Result] = []
    errors: list[BaseException] = []
    finished = threading.Event()

    def run() -> None:
        try:
            results.append(function(*arguments))
        except BaseException as error:
            errors.append(error)
        finished.set()

    threading.Thread(target=run, daemon=True, name="oxitel doctor").start()
    if not finished.wait(min(seconds, threading.TIMEOUT_MAX)):
        raise TimeoutError(f"no result within {seconds:g} s")
    if errors:
        raise errors[0]
    return results[0]


def side_by_side(functions: Iterable[Callable[[], object]]) -> None:
    """Run all of them at once, and wait for them. They bound and guard themselves."""
    threads = [
        threading.Thread(target=function, daemon=True, name="oxitel doctor")
        for function in functions
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
