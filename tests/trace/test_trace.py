"""Tracing through the user's door: scopes, contexts, decorators, what processors may do."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import UserString
from collections.abc import AsyncGenerator, Generator
from typing import Any
from unittest import mock

import pytest
from opentelemetry import context as context_api, trace
from opentelemetry.sdk.trace import (
    ReadableSpan,
    Span,
    SpanLimits,
    SpanProcessor,
    Tracer,
    TracerProvider,
    _Span,
)
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def provider() -> TracerProvider:
    return TracerProvider(shutdown_on_exit=False)


@pytest.fixture
def exporter(provider: TracerProvider) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def tracer(provider: TracerProvider, exporter: InMemorySpanExporter) -> trace.Tracer:
    return provider.get_tracer("test")


def parents(exporter: InMemorySpanExporter) -> dict[str, str | None]:
    """The name of each finished span, and that of its parent."""
    spans = exporter.get_finished_spans()
    names = {span.context.span_id: span.name for span in spans}
    return {
        span.name: names[span.parent.span_id] if span.parent is not None else None for span in spans
    }


def test_the_classes_are_those_that_others_ask_for(tracer: trace.Tracer) -> None:
    span = tracer.start_span("span")
    assert isinstance(tracer, Tracer)
    assert isinstance(tracer, trace.Tracer)
    for expected in (_Span, Span, ReadableSpan, trace.Span):
        assert isinstance(span, expected)
    with pytest.raises(TypeError, match="must be instantiated via a tracer"):
        Span("name", trace.INVALID_SPAN_CONTEXT)


def test_the_context_is_the_official_one(tracer: trace.Tracer) -> None:
    outside = context_api.get_current()
    with tracer.start_as_current_span("span") as span:
        assert trace.get_current_span() is span
        current = context_api.get_current()
        assert type(current) is type(outside)
        assert set(current) - set(outside) == {"current-span" + next(iter(current))[12:]}
    assert context_api.get_current() == outside
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_what_a_context_holds_survives_a_span(tracer: trace.Tracer) -> None:
    token = context_api.attach(context_api.set_value("mine", 1))
    try:
        with tracer.start_as_current_span("span"):
            assert context_api.get_value("mine") == 1
    finally:
        context_api.detach(token)


def test_a_kept_generator_does_not_change_the_parent_of_later_spans(
    tracer: trace.Tracer, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    def numbers() -> Generator[int, None, None]:
        with tracer.start_as_current_span("generator"):
            yield 1
            yield 2

    with tracer.start_as_current_span("outer"):
        kept = numbers()
        next(kept)
    with tracer.start_as_current_span("after outer"):
        pass
    kept.close()
    with tracer.start_as_current_span("after the generator"):
        pass
    assert parents(exporter) == {
        "generator": "outer",
        "outer": None,
        "after outer": None,
        "after the generator": None,
    }
    assert caplog.records == []


def test_two_kept_generators_may_end_in_any_order(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    def numbers(name: str) -> Generator[int, None, None]:
        with tracer.start_as_current_span(name):
            yield 1

    with tracer.start_as_current_span("outer"):
        first, second = numbers("first"), numbers("second")
        next(first), next(second)
        first.close()
        second.close()
        with tracer.start_as_current_span("inner"):
            pass
    assert parents(exporter)["inner"] == "outer"


def test_an_abandoned_asynchronous_generator_leaves_no_trace(
    tracer: trace.Tracer, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    async def numbers() -> AsyncGenerator[int, None]:
        with tracer.start_as_current_span("generator"):
            yield 1
            yield 2

    async def main() -> None:
        with tracer.start_as_current_span("outer"):
            async for _ in numbers():
                break
            gc.collect()
            # The event loop closes the generator in a task of its own.
            for _ in range(3):
                await asyncio.sleep(0)
            with tracer.start_as_current_span("inner"):
                pass
        with tracer.start_as_current_span("after"):
            pass

    asyncio.run(main())
    assert parents(exporter) == {
        "generator": "outer",
        "inner": "outer",
        "outer": None,
        "after": None,
    }
    assert caplog.records == []


def test_a_task_that_outlives_its_span_keeps_it_as_parent(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    async def later(ended: asyncio.Event) -> None:
        await ended.wait()
        with tracer.start_as_current_span("later"):
            pass

    async def main() -> None:
        ended = asyncio.Event()
        with tracer.start_as_current_span("request"):
            task = asyncio.create_task(later(ended))
            await asyncio.sleep(0)
        ended.set()
        await task

    asyncio.run(main())
    assert parents(exporter) == {"request": None, "later": "request"}


def test_a_decorated_function_is_a_span_each_time(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    @tracer.start_as_current_span("work", attributes={"a": 1})
    def work(value: int) -> int:
        """Works."""
        return value * 2

    assert [work(1), work(2)] == [2, 4]
    assert (work.__name__, work.__doc__) == ("work", "Works.")
    assert [dict(span.attributes or {}) for span in exporter.get_finished_spans()] == [{"a": 1}] * 2


def test_a_decorated_coroutine_function_is_a_span_until_it_returns(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    @tracer.start_as_current_span("work")
    async def work() -> str:
        await asyncio.sleep(0.01)
        with tracer.start_as_current_span("inner"):
            return "done"

    assert asyncio.run(work()) == "done"
    assert parents(exporter) == {"inner": "work", "work": None}
    span = exporter.get_finished_spans()[1]
    assert (span.end_time or 0) - (span.start_time or 0) >= 10_000_000


def test_a_decorated_generator_is_current_in_its_body_only(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    @tracer.start_as_current_span("generator")
    def numbers() -> Generator[int, int, str]:
        received = 0
        while received < 2:
            with tracer.start_as_current_span("step"):
                pass
            received = yield received
        return "finished"

    with tracer.start_as_current_span("consumer") as consumer:
        generator = numbers()
        next(generator)
        assert trace.get_current_span() is consumer
        generator.send(1)
        with pytest.raises(StopIteration, match="finished"):
            generator.send(2)
        assert trace.get_current_span() is consumer
    assert parents(exporter) == {"step": "generator", "generator": "consumer", "consumer": None}


def test_a_decorated_asynchronous_generator_is_current_in_its_body_only(
    tracer: trace.Tracer, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    @tracer.start_as_current_span("generator")
    async def numbers() -> AsyncGenerator[int, None]:
        for number in range(3):
            with tracer.start_as_current_span("step"):
                await asyncio.sleep(0)
            yield number

    async def main() -> None:
        with tracer.start_as_current_span("consumer") as consumer:
            async for _ in numbers():
                assert trace.get_current_span() is consumer
            async for _ in numbers():
                break
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert parents(exporter) == {"step": "generator", "generator": "consumer", "consumer": None}
    assert [span.name for span in exporter.get_finished_spans()].count("generator") == 2
    assert caplog.records == []


def test_a_processor_that_edits_a_finished_span_edits_what_is_exported(
    provider: TracerProvider,
) -> None:
    class Redact(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            attributes = dict(span.attributes)
            attributes["password"] = "***"
            span._attributes = attributes
            span._name = "redacted"

    exporter = InMemorySpanExporter()
    provider.add_span_processor(Redact())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("test").start_span("span", attributes={"password": "hunter2"}).end()
    (span,) = exporter.get_finished_spans()
    assert span.name == "redacted"
    assert dict(span.attributes) == {"password": "***"}


def test_private_containers_seen_by_python_stay_in_use(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    span: Any = tracer.start_span("span", attributes={"before": 1})
    span._attributes["directly"] = 2
    span.set_attribute("after", [3])
    span.set_attributes({"more": None})
    span._events.append(span._events[0]) if span._events else None
    span.add_event("event", {"x": 1})
    span.end()
    (finished,) = exporter.get_finished_spans()
    assert dict(finished.attributes) == {"before": 1, "directly": 2, "after": (3,), "more": None}
    assert [event.name for event in finished.events] == ["event"]
    with pytest.raises(TypeError):
        span._attributes["late"] = 1


def test_any_attribute_may_be_put_on_a_span(tracer: trace.Tracer) -> None:
    span: Any = tracer.start_span("span")
    span.mine = 1
    assert span.mine == 1


def test_an_attribute_whose_text_cannot_be_had_is_dropped_with_a_warning(
    tracer: trace.Tracer, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no")

    span = tracer.start_span("span")
    span.set_attribute("hostile", Hostile())  # type: ignore[arg-type]
    span.set_attribute("kept", 1)
    span.end()
    (finished,) = exporter.get_finished_spans()
    assert dict(finished.attributes) == {"kept": 1}
    assert finished.dropped_attributes == 1
    assert any("hostile" in record.getMessage() for record in caplog.records)


def test_an_attribute_may_be_set_in_every_way_that_python_calls(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    class Text(str):
        pass

    span: Any = tracer.start_span("span")
    span.set_attribute("positions", 1)
    span.set_attribute("mixed", value=2)
    span.set_attribute(value=3, key="names")
    span.set_attribute(*("unpacked", 4.5))
    type(span).set_attribute(span, "unbound", True)
    bound = span.set_attribute
    bound("bound", "text")
    span.set_attribute(Text("subclass"), Text("value"))
    span.set_attribute("".join(["no", "hash"]), None)
    span.set_attribute("positions", 5)
    for arguments, names in (((), {}), (("key",), {}), (("key", 1, 2), {}), (("key",), {"key": 1})):
        with pytest.raises(TypeError):
            span.set_attribute(*arguments, **names)
    with pytest.raises(TypeError):
        span.set_attribute("key", 1, wrong=2)
    with pytest.raises(TypeError):
        type(span).set_attribute(object(), "key", 1)
    span.end()
    (finished,) = exporter.get_finished_spans()
    assert list(finished.attributes.items()) == [
        ("mixed", 2),
        ("names", 3),
        ("unpacked", 4.5),
        ("unbound", True),
        ("bound", "text"),
        ("subclass", "value"),
        ("nohash", None),
        ("positions", 5),
    ]


def test_an_attribute_that_is_replaced_lets_go_of_its_value_at_once(tracer: trace.Tracer) -> None:
    span = tracer.start_span("span")
    value = "".join(["some", "text"])
    before = sys.getrefcount(value)
    span.set_attribute("key", value)
    span.set_attribute("key", 1)
    assert sys.getrefcount(value) == before


def test_a_list_that_contains_itself_is_kept_as_far_as_it_goes(tracer: trace.Tracer) -> None:
    endless: list[Any] = [1]
    endless.append(endless)
    span: Any = tracer.start_span("span")
    span.set_attribute("endless", endless)
    assert span.attributes["endless"][0] == 1
    span.end()


def test_a_childs_parent_is_the_context_of_its_parent(tracer: trace.Tracer) -> None:
    with tracer.start_as_current_span("asked before") as before:
        context = before.get_span_context()
        with tracer.start_as_current_span("asked after") as after:
            with tracer.start_as_current_span("child") as child:
                pass
    assert isinstance(after, Span)
    assert isinstance(child, Span)
    assert after.parent is context
    assert child.parent is after.get_span_context()
    assert child.parent is after.context


def test_a_span_is_made_of_mocks_as_other_suites_make_it(exporter: InMemorySpanExporter) -> None:
    context, parent = mock.Mock(spec=trace.SpanContext), mock.Mock(spec=trace.SpanContext)
    span = _Span("name", context, parent=parent)
    assert span.get_span_context() is context
    assert span.context is context
    assert span.parent is parent
    span.start()
    span.set_attribute("a", 1)
    span.end()
    assert span.attributes == {"a": 1}
    readable = ReadableSpan("name", context=context, parent=parent)
    assert readable.context is context
    assert readable.parent is parent


def test_a_span_whose_end_cannot_be_counted_is_exported(
    exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ValueError("no count")

    context = trace.SpanContext(1, 2, False, trace.TraceFlags(1))
    processor = SimpleSpanProcessor(exporter)
    for name in ("first", "second"):
        span = _Span(name, context, span_processor=processor, record_end_metrics=fail)
        span.start()
        with span:
            pass
    assert [span.name for span in exporter.get_finished_spans()] == ["first", "second"]
    assert caplog.text.count("do not count the end of a span") == 1


def test_parts_that_are_mocks_do_no_harm_and_are_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    resource = mock.Mock()
    for _ in range(3):
        for arguments in ({"resource": resource}, {"sampler": mock.MagicMock()}):
            provider = TracerProvider(shutdown_on_exit=False, **arguments)
            with provider.get_tracer("test").start_as_current_span("span") as span:
                assert span.is_recording()
    for text in ("the resource cannot be read", "the sampler raised"):
        assert sum(text in record.message for record in caplog.records) <= 1


def test_attributes_are_those_of_the_moment(tracer: trace.Tracer) -> None:
    with tracer.start_as_current_span("span", attributes={"a": 1}) as span:
        assert isinstance(span, Span)
        seen = span.attributes
        span.set_attribute("b", 2)
        assert dict(seen) == {"a": 1}
        assert dict(span.attributes) == {"a": 1, "b": 2}


def test_limits_are_read_when_a_tracer_is_made() -> None:
    limits = SpanLimits(max_span_attributes=2)
    provider = TracerProvider(shutdown_on_exit=False, span_limits=limits)
    tracer = provider.get_tracer("before")
    limits.max_span_attributes = 1
    for made, count in ((tracer, 2), (provider.get_tracer("after"), 1)):
        span = made.start_span("span", attributes={"a": 1, "b": 2, "c": 3})
        assert isinstance(span, Span)
        assert len(span.attributes) == count


@pytest.mark.parametrize("text", ["ab", "a"])
def test_a_text_of_another_class_is_kept_as_text(tracer: trace.Tracer, text: str) -> None:
    span = tracer.start_span("span")
    assert isinstance(span, Span)
    span.set_attribute("text", UserString(text))  # type: ignore[arg-type]
    span.set_attribute("texts", [UserString(text), "c"])  # type: ignore[list-item]
    assert dict(span.attributes) == {"text": text, "texts": (text, "c")}
