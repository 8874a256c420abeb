"""What nobody needs any more is freed: spans, scopes, providers, also in cycles."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import textwrap
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, SamplingResult

MANY = 50

variable: contextvars.ContextVar[Any] = contextvars.ContextVar("variable")


class Thing:
    """Something of the program's."""


class Text(str):
    """A value that can know things."""

    span: Any


def new_provider(**options: Any) -> TracerProvider:
    return TracerProvider(shutdown_on_exit=False, **options)


def left_in_another_context() -> Any:
    thing = Thing()
    tracer = new_provider().get_tracer("tests")
    context = contextvars.Context()

    def enter() -> Any:
        variable.set(thing)
        scope = tracer.start_as_current_span("span")
        scope.__enter__()
        return scope

    context.run(enter).__exit__(None, None, None)
    return thing


def never_left_in_its_own_context() -> Any:
    thing: Any = Thing()
    tracer = new_provider().get_tracer("tests")

    def enter() -> None:
        variable.set(thing)
        thing.scope = tracer.start_as_current_span("span")
        thing.scope.__enter__()

    contextvars.Context().run(enter)
    return thing


def broken_off_in_a_task() -> Any:
    thing = Thing()
    tracer = new_provider().get_tracer("tests")

    async def stream() -> AsyncIterator[int]:
        with tracer.start_as_current_span("stream"):
            for number in range(3):
                yield number

    async def handle() -> None:
        variable.set(thing)
        async for _ in stream():
            break

    async def serve() -> None:
        await asyncio.create_task(handle())
        # For the loop to close the generator.
        await asyncio.sleep(0)

    asyncio.run(serve())
    return thing


def known_to_an_attribute() -> Any:
    value = Text("value")
    value.span = new_provider().get_tracer("tests").start_span("span", attributes={"key": value})
    return value


def known_to_an_attribute_of_an_event() -> Any:
    value = Text("value")
    value.span = new_provider().get_tracer("tests").start_span("span")
    value.span.add_event("event", {"key": value})
    return value


def exporter_with_spans(is_shut_down: bool = False) -> Any:
    provider, exporter = new_provider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("tests").start_span("span").end()
    assert exporter.get_finished_spans()
    if is_shut_down:
        provider.shutdown()
    return exporter


def processor_with_a_span() -> Any:
    class Processor(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            self.span = span

    provider, processor = new_provider(), Processor()
    provider.add_span_processor(processor)
    provider.get_tracer("tests").start_span("span").end()
    return processor


def processor_with_the_provider() -> Any:
    class Processor(SpanProcessor):
        def __init__(self, provider: Any) -> None:
            self.provider = provider

        def on_end(self, span: Any) -> None:
            pass

    provider = new_provider()
    provider.add_span_processor(Processor(provider))
    return provider


def processor_of_logs_with_the_logger() -> Any:
    class Processor(LogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            pass

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return True

    provider, processor = LoggerProvider(shutdown_on_exit=False), Processor()
    provider.add_log_record_processor(processor)
    processor.logger = provider.get_logger("tests")  # type: ignore[attr-defined]
    return processor


def sampler_with_a_tracer() -> Any:
    class Own(Sampler):
        tracer: Any

        def should_sample(self, *arguments: Any, **options: Any) -> SamplingResult:
            raise NotImplementedError

        def get_description(self) -> str:
            return "own"

    sampler = Own()
    sampler.tracer = new_provider(sampler=ParentBased(sampler)).get_tracer("tests")
    return sampler


@pytest.mark.parametrize(
    "make",
    [
        left_in_another_context,
        never_left_in_its_own_context,
        broken_off_in_a_task,
        known_to_an_attribute,
        known_to_an_attribute_of_an_event,
        exporter_with_spans,
        lambda: exporter_with_spans(is_shut_down=True),
        processor_with_a_span,
        processor_with_the_provider,
        processor_of_logs_with_the_logger,
        sampler_with_a_tracer,
    ],
)
def test_what_nobody_needs_is_freed(make: Callable[[], Any]) -> None:
    made = [weakref.ref(make()) for _ in range(MANY)]
    # What is freed may have been all that kept other things.
    for _ in range(3):
        gc.collect()
    assert [one() for one in made if one() is not None] == []


def test_garbage_may_be_collected_at_every_moment() -> None:
    program = """
        import contextvars, gc
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
        from opentelemetry.trace import Link, SpanContext, Status, StatusCode

        class Own(ReadableSpan):
            pass

        link = Link(SpanContext(1, 1, False), {"key": [1, 2]})
        tracer = TracerProvider(shutdown_on_exit=False).get_tracer("tests")
        kept = []
        for number in range(2000):
            # The collector runs at another object each time.
            gc.set_threshold(1 + number % 30)
            kept.append(tracer.start_span("kept"))
        kept.clear()
        for number in range(200):
            gc.set_threshold(1 + number % 30)
            provider = TracerProvider(shutdown_on_exit=False)
            logger = LoggerProvider(shutdown_on_exit=False).get_logger("tests")
            tracer = provider.get_tracer("tests")
            kept.append(Own("own", attributes={"key": "value"}))
            attributes = {"key": [1, 2]}
            scope = tracer.start_as_current_span("outer", attributes=attributes, links=[link])
            with scope as span:
                span.own = span
                span.add_event("event", {"key": "value"})
                span.set_status(Status(StatusCode.ERROR, "description"))
                try:
                    with tracer.start_as_current_span("inner") as inner:
                        inner.set_attributes({"key": "value", "number": number})
                        raise ValueError("error")
                except ValueError:
                    pass
            repr((span.attributes, span.events, span.links, span._events, span._attributes))
            elsewhere = contextvars.Context()
            elsewhere.run(tracer.start_as_current_span("kept").__enter__)
        print("the end")
        """
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60
    )
    assert (finished.returncode, finished.stdout) == (0, "the end\n"), finished.stderr


# A garbage collection at each second allocation, and no dict ready to be used again: CPython 3.11
# and 3.12 make the `__dict__` of an object before the object is filled.
WHILE_OBJECTS_ARE_MADE = """
import gc
from opentelemetry import propagate, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from oxitel import _native

kept = []

def make(function, *arguments):
    for shift in range(4):
        kept.extend({"kept": shift} for _ in range(100 + shift))
        kept.append(function(*arguments))
    return kept[-1]

propagators = ("Composite", "TraceContext", "Baggage", "Jaeger", "B3")
meter = MeterProvider().get_meter("meter")
recording = TracerProvider().get_tracer("recording")
idle = TracerProvider(sampler=ALWAYS_OFF).get_tracer("idle")
gc.set_threshold(1)
for name in propagators:
    make(getattr(_native, f"{name}Propagator"))
for name in ("counter", "up_down_counter", "histogram", "gauge"):
    make(getattr(meter, f"create_{name}"), name)
for tracer in (recording, idle):
    with make(tracer.start_as_current_span, "span") as span:
        make(tracer.start_span, "inner")
        make(span.get_span_context)
        make(trace.Link, span.get_span_context(), {"key": "value"})
make(TracerProvider)
make(TracerProvider().get_tracer, "tracer")
make(LoggerProvider().get_logger, "logger")
make(propagate.extract, {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
"""


def test_garbage_is_collected_while_objects_are_made() -> None:
    program = [sys.executable, "-X", "faulthandler", "-c", WHILE_OBJECTS_ARE_MADE]
    finished = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
