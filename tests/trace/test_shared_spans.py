"""Spans, measurements and attributes that several threads use at once, also where the interpreter
has no global lock (CPython 3.14t): nothing is raised into the program, and nothing is lost."""

from __future__ import annotations

import sys
import sysconfig
import threading
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanContext, Status, StatusCode

from conftest import RunProgram
from oxitel._native import encode_spans

THREADS = 8
tracer = TracerProvider(shutdown_on_exit=False).get_tracer("shared")


@pytest.fixture(autouse=True)
def many_switches() -> Any:
    """Has an interpreter with a global lock pass it on as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(function: Callable[[int], object], threads: int = THREADS) -> None:
    """Calls `function` with a number of its own on each of several threads; none may raise."""
    begin, raised = threading.Barrier(threads), []

    def run(number: int) -> None:
        begin.wait(30)
        try:
            function(number)
        except BaseException as error:
            raised.append(error)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
    assert not any(thread.is_alive() for thread in running)
    assert raised == []


def while_changed(use: Callable[[dict[str, Any]], object]) -> None:
    """Calls `use` with a dict to which other threads add and from which they remove."""
    given: dict[str, Any] = {"stays": "here"}
    left, counting = [THREADS - 2], threading.Lock()

    def change_or_use(number: int) -> None:
        if number < 2:
            turn = 0
            while left[0]:
                turn += 1
                given[f"key {turn % 20}"] = turn
                given.pop(f"key {turn * 7 % 20}", None)
            return
        try:
            for _ in range(300):
                use(given)
        finally:
            with counting:
                left[0] -= 1

    at_once(change_or_use)


def test_attributes_may_be_changed_by_others_while_a_span_takes_them() -> None:
    spans: list[Any] = []

    def use(given: dict[str, Any]) -> None:
        span: Any = tracer.start_span("span", attributes=given)
        span.set_attributes(given)
        span.add_event("event", given)
        span.add_link(SpanContext(1, 2, True), given)
        span.end()
        spans.append(span)

    while_changed(use)
    assert len(spans) == 300 * (THREADS - 2)
    assert all(span.attributes["stays"] == "here" for span in spans)
    assert all(span.events[0].attributes["stays"] == "here" for span in spans)


def test_attributes_may_be_changed_by_others_while_they_are_measured() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    counter = provider.get_meter("shared").create_counter("counter")
    while_changed(lambda given: counter.add(1, given))
    data = reader.get_metrics_data()
    assert data is not None
    ((metric,),) = ([m for s in r.scope_metrics for m in s.metrics] for r in data.resource_metrics)
    assert sum(point.value for point in metric.data.data_points) == 300 * (THREADS - 2)


def test_attributes_may_be_changed_by_others_while_they_are_logged() -> None:
    logger = LoggerProvider(shutdown_on_exit=False).get_logger("shared")
    while_changed(lambda given: logger.emit(body="text", attributes=given))


def test_what_is_written_while_others_read_is_kept() -> None:
    def read_or_write(number: int) -> None:
        for turn in range(20):
            if number % 2:
                assert all(event.name == "event" for event in span.events)
                assert len(span.links) <= THREADS * 10
                assert span._attributes["first"] == 0
            else:
                span.add_event("event", {"number": number, "turn": turn})
                span.add_link(SpanContext(1, 2, True), {"turn": turn})
                span.set_attribute(f"{number} {turn}", turn)

    for _ in range(20):
        span: Any = tracer.start_span("span", attributes={"first": 0})
        at_once(read_or_write)
        span.end()
        assert len(span.events) == len(span.links) == THREADS // 2 * 20
        assert len(span.attributes) == 1 + THREADS // 2 * 20
        assert span.dropped_events == span.dropped_links == span.dropped_attributes == 0


def test_a_span_may_be_ended_while_others_write() -> None:
    for turn in range(100):
        span: Any = tracer.start_span("span", attributes={"first": 0})
        if turn % 2:
            # From here on Python code holds the attributes, and ending freezes them.
            assert span._attributes["first"] == 0

        def write(number: int, span: Any = span) -> None:
            for value in range(20):
                span.set_attribute(f"{number} {value}", value)
                span.set_attributes({f"{number} {value}": "text"})
                span.record_exception(ValueError(value))
                span.set_status(Status(StatusCode.ERROR, "text"))
                if value == number + 5:
                    span.end()

        at_once(write)
        assert span.end_time is not None
        assert span.attributes["first"] == 0


def test_a_finished_span_is_whole_for_all_who_encode_or_read_it_at_once() -> None:
    for _ in range(50):
        attributes = {f"key {number}": "value" for number in range(20)}
        span: Any = tracer.start_span("span", attributes=attributes)
        span.add_event("event", attributes)
        span.add_link(SpanContext(1, 2, True), attributes)
        span.end()
        whole = encode_spans([span])

        def encode_or_read(
            number: int, span: ReadableSpan = span, whole: bytes = whole, wanted: Any = attributes
        ) -> None:
            for turn in range(10):
                if number % 2:
                    assert encode_spans([span]) == whole
                else:
                    assert span.attributes == wanted
                if turn == 5:
                    assert len(span.events) == len(span.links) == 1

        at_once(encode_or_read)
        assert encode_spans([span]) == whole


def test_a_key_of_a_class_of_its_own_may_use_the_span_while_it_is_compared() -> None:
    class Key(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            span.set_attribute("compared", True)
            return str.__eq__(self, other)

    span: Any = tracer.start_span("span")
    at_once(lambda number: [span.set_attribute(Key("key"), number) for _ in range(50)])
    span.set_attribute("key", "last")
    span.end()
    assert span.attributes["key"] == "last"


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="an interpreter with a global lock"
)
def test_importing_us_does_not_bring_the_global_lock_back(run_program: RunProgram) -> None:
    program = """
import sys
import oxitel.auto
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
assert not sys._is_gil_enabled()
"""
    # A lock that comes back is a warning.
    finished = run_program(program, env={"PYTHONWARNINGS": "error::RuntimeWarning"})
    assert (finished.exit_code, finished.stderr) == (0, "")
