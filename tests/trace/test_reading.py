"""Reading the attributes and events of a span in a processor: as quick as reading a dict, and what
somebody holds stays as it was."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanLimits, TracerProvider
from opentelemetry.trace import Link, SpanContext


def started(count: int, limit: int = 100_000) -> Span:
    provider = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(max_attributes=limit))
    span = provider.get_tracer("reading").start_span(
        "span", attributes={f"key.{number}": number for number in range(count)}
    )
    assert isinstance(span, Span)
    return span


def read_one_by_one(span: Any) -> None:
    for key in span.attributes:
        span.attributes[key]


def read_by_each_way(span: Any) -> None:
    for key in span.attributes:
        assert key in span.attributes
        assert len(span.attributes) > 0
        span.attributes.get(key)
        span.attributes.keys()
        span.attributes.items()


def write_and_read(span: Any) -> None:
    for number in range(len(span.attributes)):
        span.set_attribute(f"new.{number}", number)
        span.attributes[f"new.{number}"]


def seconds(work: Callable[[Any], None], span: Any) -> float:
    begin = time.thread_time()
    work(span)
    return time.thread_time() - begin


@pytest.mark.parametrize("work", [read_one_by_one, read_by_each_way, write_and_read])
@pytest.mark.parametrize("has_ended", [False, True])
def test_reading_twenty_times_as_many_attributes_takes_no_more_than_fifty_times_as_long(
    work: Callable[[Any], None], has_ended: bool
) -> None:
    if has_ended and work is write_and_read:
        pytest.skip("nothing is set when a span has ended")

    def best(count: int) -> float:
        spans = [started(count) for _ in range(5)]
        for span in spans if has_ended else ():
            span.end()
        return min(seconds(work, span) for span in spans)

    assert best(4000) < 50 * best(200) + 0.001


def test_attributes_may_be_set_while_one_goes_through_them() -> None:
    span = started(3)
    for key in span.attributes:
        span.set_attribute(f"{key}.again", True)
    for key, value in span.attributes.items():
        span.set_attributes({key: (value,), f"{key}.more": value})
    assert len(span.attributes) == 12
    for key in span.attributes:
        # What processors use becomes another object.
        span._attributes[f"{key}.edited"] = 1  # type: ignore[attr-defined]
    assert len(span.attributes) == 24


def test_what_somebody_holds_is_not_changed() -> None:
    span = started(2)
    held, items = span.attributes, span.attributes.items()
    span.set_attribute("later", 1)
    assert dict(held) == dict(items) == {"key.0": 0, "key.1": 1}
    span._attributes = {}  # type: ignore[attr-defined]
    assert dict(held) == {"key.0": 0, "key.1": 1}
    assert span.attributes == {}


class Key(str):
    """A key that is a text of another class."""


def test_what_is_read_is_what_was_set_whatever_comes_in_between() -> None:
    chosen = random.Random(20)
    span, model = started(0, limit=8), BoundedAttributes(8, immutable=False)
    for number in range(3000):
        name = f"key.{chosen.randrange(12)}"
        key = Key(name) if chosen.random() < 0.05 else name
        if chosen.random() < 0.8:
            span.set_attribute(key, number)
            model[key] = number
        else:
            several = {key: number, f"key.{chosen.randrange(12)}": -number}
            span.set_attributes(several)
            model._set_items(several)
        if chosen.random() < 0.5:
            held = span.attributes if chosen.random() < 0.2 else None
            assert list(span.attributes.items()) == list(model.items())
            del held
    assert span.dropped_attributes == model.dropped
    span.end()
    assert list(span.attributes.items()) == list(model.items())


def test_threads_may_set_what_others_read() -> None:
    span = started(50)
    failures: list[Exception] = []
    is_over = threading.Event()

    def read() -> None:
        try:
            while not is_over.is_set():
                assert all(span.attributes[key] is not None for key in span.attributes)
        except Exception as failure:
            failures.append(failure)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(3000):
        span.set_attribute(f"key.{number % 70}", number)
    is_over.set()
    for reader in readers:
        reader.join()
    assert failures == []


def test_events_are_as_their_constructors_make_them() -> None:
    span = started(0)
    span.add_event("happened", {"a": (1, 2), "b": "x"}, timestamp=5)
    (event,) = span.events
    attributes = BoundedAttributes(100_000, {"a": [1, 2], "b": "x"})
    made = Event("happened", attributes, 5)
    assert type(event) is Event
    assert list(vars(event)) == list(vars(made))
    assert (event.name, event.timestamp, event.dropped_attributes) == ("happened", 5, 0)
    assert type(event.attributes) is BoundedAttributes
    assert {**vars(event.attributes), "_lock": None} == {**vars(attributes), "_lock": None}
    assert isinstance(vars(event.attributes)["_lock"], type(threading.Lock()))
    with pytest.raises(TypeError, match="immutable"):
        event.attributes["a"] = 1  # type: ignore[index]


CHANGED_CLASSES = """
import opentelemetry._logs as logs
import opentelemetry.attributes as attributes

def gives_more(cls):
    made = cls.__init__
    def __init__(self, *arguments, **options):
        made(self, *arguments, **options)
        self.more = True
    cls.__init__ = __init__

gives_more(attributes.BoundedAttributes)
gives_more(logs.LogRecord)

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

span = TracerProvider().get_tracer("t").start_span("s")
span.add_event("e", {"a": 1, "long": "abc"})
attributes = span.events[0].attributes
assert attributes.more and dict(attributes) == {"a": 1, "long": "abc"}, vars(attributes)
provider, exporter = LoggerProvider(), InMemoryLogRecordExporter()
provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
provider.get_logger("l").emit(body="b", attributes={"a": 1}, severity_text="INFO")
(log,) = exporter.get_finished_logs()
assert log.log_record.more and log.log_record.attributes.more
assert (log.log_record.body, dict(log.log_record.attributes)) == ("b", {"a": 1})
assert log.log_record.severity_text == "INFO"
"""


def test_classes_of_another_version_of_the_api_are_called() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHANGED_CLASSES], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_span_made_by_hand_may_have_no_attributes() -> None:
    assert dict(ReadableSpan("by hand").attributes or {}) == {}


def test_a_status_that_is_none_is_shown_as_it_is() -> None:
    given: Any = 5
    span = ReadableSpan("span", status=given)
    assert span.status == 5


def test_events_and_links_are_the_same_objects_each_time() -> None:
    link = Link(SpanContext(1, 2, is_remote=False))
    span = TracerProvider(shutdown_on_exit=False).get_tracer("a").start_span("s", links=[link])
    assert isinstance(span, Span)
    assert (span.events, span.links) == ((), (link,))
    span.add_event("event")
    span.add_link(SpanContext(3, 4, is_remote=False))
    assert [event.name for event in span.events] == ["event"]
    assert span.events[0] is span.events[0]
    assert span.links[0] is link
    assert span.links[1] is span.links[1]
    span._events.append(Event("own"))  # type: ignore[attr-defined]
    assert [event.name for event in span.events] == ["event", "own"]


def test_reading_events_and_links_that_are_not_there_costs_little() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("a")

    def reading(read: Callable[[Any], Any]) -> float:
        spans = [tracer.start_span("span", attributes={"a": 1}) for _ in range(2_000)]
        for span in spans:
            span.end()
        begin = time.thread_time()
        for span in spans:
            read(span)
        return time.thread_time() - begin

    attributes = min(reading(lambda span: span.attributes) for _ in range(7))
    # When containers were made for them, it took fifteen times as long.
    assert min(reading(lambda span: (span.events, span.links)) for _ in range(7)) < 3 * attributes
