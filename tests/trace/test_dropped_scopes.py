"""Scopes of `start_as_current_span` that are entered and never left, but dropped: as the official
ones, generators, they end then."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, Tracer, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Handler:
    """Of a request, whose end nobody tells."""

    def __init__(self, tracer: Tracer, **options: Any) -> None:
        self.scope = tracer.start_as_current_span("request", **options)
        self.span = self.scope.__enter__()


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture
def tracer(provider: TracerProvider) -> Tracer:
    tracer = provider.get_tracer("tests")
    assert isinstance(tracer, Tracer)
    return tracer


def names(exporter: InMemorySpanExporter) -> list[str]:
    return [span.name for span in exporter.get_finished_spans()]


def test_a_dropped_scope_is_left_and_its_span_ends(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    handler = Handler(tracer)
    assert trace.get_current_span() is handler.span
    del handler
    assert trace.get_current_span() is trace.INVALID_SPAN
    tracer.start_span("next").end()
    assert [(span.name, span.parent) for span in exporter.get_finished_spans()] == [
        ("request", None),
        ("next", None),
    ]


def test_a_dropped_scope_goes_back_to_the_span_around_it(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    with tracer.start_as_current_span("outer") as outer:
        handler = Handler(tracer)
        del handler
        assert trace.get_current_span() is outer
    assert names(exporter) == ["request", "outer"]


def test_a_dropped_scope_that_does_not_end_its_span_is_only_left(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    handler = Handler(tracer, end_on_exit=False)
    span = handler.span
    del handler
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert span.is_recording()
    assert names(exporter) == []


def test_a_span_that_ended_before_its_scope_was_dropped_ends_once(
    tracer: Tracer, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Handler(tracer)
    handler.span.end()
    del handler
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert names(exporter) == ["request"]
    assert caplog.records == []


def test_a_scope_that_was_left_does_nothing_when_it_is_dropped(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    scope = tracer.start_as_current_span("span")
    with scope:
        pass
    with tracer.start_as_current_span("later") as later:
        del scope
        assert trace.get_current_span() is later
    assert names(exporter) == ["span", "later"]


def test_a_scope_that_is_dropped_in_another_thread_only_ends_its_span(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    handlers = [contextvars.Context().run(Handler, tracer)]

    def work() -> None:
        with tracer.start_as_current_span("thread") as span:
            handlers.clear()
            assert trace.get_current_span() is span

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert trace.get_current_span() is trace.INVALID_SPAN
    # Without the interpreter's lock, the thread that made the scope frees it when it comes to it.
    assert sorted(names(exporter)) == ["request", "thread"]


def test_the_exception_that_drops_a_scope_stays_as_it_is(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    def fail() -> None:
        Handler(tracer)
        handler = Handler(tracer)
        assert handler.span.is_recording()
        raise ValueError("fail")

    with pytest.raises(ValueError, match="fail") as raised:
        fail()
    # The traceback knows the frame, and the frame the scope.
    del raised
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert names(exporter) == ["request", "request"]
    assert exporter.get_finished_spans()[1].events == ()


def test_what_a_processor_raises_about_a_dropped_scope_stays_inside(
    provider: TracerProvider, tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    class Failing(SpanProcessor):
        def on_end(self, span: Any) -> None:
            raise ValueError("the processor")

    provider.add_span_processor(Failing())
    handler = Handler(tracer)
    del handler
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert names(exporter) == ["request"]
