"""What a signal handler raises, and what ends a program, comes out of whatever call of ours it is
raised in."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from conftest import RunProgram

ROUNDS = 60


def test_a_time_limit_that_is_over_in_the_middle_of_a_call_ends_it(run_program: RunProgram) -> None:
    result = run_program(Path(__file__).parent / "interrupted.py", arguments=(str(ROUNDS),))
    lost = json.loads(result.stdout)
    assert "Exception ignored" not in result.stderr
    # `logging` itself reports what is raised in a handler's formatter, and goes on.
    assert {name: count for name, count in lost.items() if count} == {}


class Raising:
    """A value whose text raises."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error


def raised_by_handler() -> BaseException:
    """An exception as a signal handler raises it."""

    class TimeIsUp(Exception):
        pass

    def on_signal(signum: int, frame: Any) -> None:
        raise TimeIsUp

    try:
        on_signal(signal.SIGALRM, sys._getframe())
    except TimeIsUp as error:
        return error
    raise AssertionError


def finish(call: Callable[[], object]) -> None:
    """Calls, and goes on until the interpreter has looked after what is to be raised."""
    call()
    for _ in range(1000):
        pass


@pytest.fixture
def tracer() -> trace.Tracer:
    return TracerProvider(shutdown_on_exit=False).get_tracer("test")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, None])
def test_what_is_for_the_program_reaches_it(
    tracer: trace.Tracer, kind: type[BaseException] | None
) -> None:
    error = raised_by_handler() if kind is None else kind()
    value = Raising(error)
    span: Any = tracer.start_span("span")
    counter = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    add = counter.get_meter("test").create_counter("counter").add
    for call in (
        lambda: span.set_attribute("k", value),
        lambda: span.set_attribute("k", [value]),
        lambda: span.set_attributes({"k": {"l": value}}),
        lambda: span.add_event("event", {"k": value}),
        lambda: add(1, {"k": value}),
        lambda: tracer.start_span("span", attributes={"k": value}),
    ):
        with pytest.raises(type(error)):
            finish(call)


def test_what_a_value_raises_by_itself_does_not_reach_the_program(tracer: trace.Tracer) -> None:
    span: Any = tracer.start_span("span")
    finish(lambda: span.set_attribute("k", Raising(TimeoutError("of the value's own"))))
    assert span.attributes == {}


def test_it_reaches_a_program_in_another_thread(tracer: trace.Tracer) -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            finish(lambda: tracer.start_span("s").set_attribute("k", Raising(SystemExit(1))))
        except SystemExit as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_a_processor_that_is_interrupted_does_not_swallow_it() -> None:
    error = raised_by_handler()

    class Interrupted(SpanProcessor):
        def on_end(self, span: Any) -> None:
            raise error

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Interrupted())
    span = provider.get_tracer("test").start_span("span")
    with pytest.raises(type(error)):
        span.end()
