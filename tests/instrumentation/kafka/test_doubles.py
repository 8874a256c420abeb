"""Messages and consumers that a program's tests have made: they say less than real ones."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from broker import needs
from oxitel.instrumentation.messaging.attributes import Message, message_of

TRACEPARENT = b"00-00000000000000000000000000000011-0000000000000022-01"


class Double:
    """A message with the methods that are given, and no other."""

    def __init__(self, **said: Any) -> None:
        for name, value in said.items():
            setattr(self, name, lambda value=value: value)


def in_general(**more: Any) -> dict[str, Any]:
    return {"topic": "t", "partition": 0, "offset": 7, "headers": None, **more}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def consumer(exporter: InMemorySpanExporter) -> Iterator[Any]:
    needs("confluent_kafka")
    import confluent_kafka
    from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor

    class MockConsumer(confluent_kafka.Consumer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__({"group.id": "mock"})
            self.queue: list[Any] = []

        def poll(self, timeout: float | None = None) -> Any:
            return self.queue.pop(0) if self.queue else None

        def consume(self, num_messages: int = 1, timeout: float | None = None) -> Any:
            taken, self.queue = self.queue[:num_messages], self.queue[num_messages:]
            return taken

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = ConfluentKafkaInstrumentor()
    mock = MockConsumer()
    consumer = instrumentor.instrument_consumer(mock, provider)
    consumer.queue = mock.queue
    yield consumer
    consumer.close()


def names(exporter: InMemorySpanExporter) -> list[str]:
    return [span.name for span in exporter.get_finished_spans()]


def test_a_message_without_an_error_method_is_a_message(
    consumer: Any, exporter: InMemorySpanExporter
) -> None:
    message = Double(**in_general(headers=[("traceparent", TRACEPARENT)]))
    consumer.queue.append(message)
    assert consumer.poll() is message
    assert consumer.poll() is None
    (span,) = exporter.get_finished_spans()
    assert isinstance(span, ReadableSpan) and span.parent is not None
    assert (span.name, span.parent.span_id) == ("t process", 0x22)


def test_a_batch_of_them_has_its_spans(consumer: Any, exporter: InMemorySpanExporter) -> None:
    messages = [Double(**in_general()), Double(**in_general(key=b"k", value="text"))]
    consumer.queue.extend(messages)
    assert consumer.consume(10) == messages
    assert consumer.poll() is None
    assert sorted(names(exporter)) == ["t process", "t receive", "t receive"]


def test_what_says_that_it_is_an_error_is_none(
    consumer: Any, exporter: InMemorySpanExporter
) -> None:
    failed = Double(**in_general(error="failed"))
    fine = Double(**in_general(error=None))
    consumer.queue.extend([failed, fine])
    assert [consumer.poll(), consumer.poll(), consumer.poll()] == [failed, fine, None]
    assert names(exporter) == ["t process"]


def test_what_is_no_message_at_all_does_no_harm(
    consumer: Any, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    for thing in (5, object()):
        consumer.queue.append(thing)
        assert consumer.poll() is thing
    assert consumer.poll() is None
    assert names(exporter) == ["unknown process"] * 2
    assert caplog.records == []


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (SimpleNamespace(topic="t", value=b"abc"), Message("t", None, None, None, 3, None)),
        (
            SimpleNamespace(topic="t", value="x", serialized_value_size=9, offset=1, key=b"k"),
            Message("t", None, 1, b"k", 9, None),
        ),
        (Double(topic="t", partition=2, value="é"), Message("t", 2, None, None, 2, None)),
        (object(), Message("unknown", None, None, None, None, None)),
    ],
    ids=["attributes", "size", "methods", "nothing"],
)
def test_a_record_is_read_as_far_as_it_says_something(record: Any, expected: Message) -> None:
    assert message_of(record) == expected
