"""What needs no broker: headers, attributes, and spans that nobody ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import context as context_api, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from oxitel.instrumentation import aiokafka, kafka
from oxitel.instrumentation.messaging.attributes import client_attributes, key_text
from oxitel.instrumentation.messaging.headers import HeadersGetter, HeadersSetter, with_context
from oxitel.instrumentation.messaging.metrics import messaging_metrics
from oxitel.instrumentation.messaging.receiving import Deliveries, ambient
from oxitel.instrumentation.messaging.sending import Sending, error_type
from oxitel.instrumentation.messaging.tracing import Messaging

PARENT = trace.SpanContext(0x11, 0x22, True, trace.TraceFlags(1))
CONTEXT = trace.set_span_in_context(trace.NonRecordingSpan(PARENT), context_api.Context())
TRACEPARENT = f"00-{0x11:032x}-{0x22:016x}-01".encode()


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> trace.Tracer:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("details")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, [("traceparent", TRACEPARENT)]),
        ((), [("traceparent", TRACEPARENT)]),
        ([("a", b"1")], [("a", b"1"), ("traceparent", TRACEPARENT)]),
        ((("a", None),), (("a", None), ("traceparent", TRACEPARENT))),
        ({"a": "1"}, {"a": "1", "traceparent": TRACEPARENT}),
        ({}, {"traceparent": TRACEPARENT}),
        ([("traceparent", b"old"), ("tracestate", b"a=b")], [("traceparent", TRACEPARENT)]),
        ({"traceparent": b"old", "tracestate": b"a=b"}, {"traceparent": TRACEPARENT}),
    ],
    ids=repr,
)
def test_context_joins_headers_of_every_kind(given: Any, expected: Any) -> None:
    before = repr(given)
    carried = with_context(given, CONTEXT)
    assert carried == expected
    assert type(carried) is type(expected)
    assert repr(given) == before


@pytest.mark.parametrize("given", ["text", 5, b"bytes", {("a", b"1")}, 1.5], ids=repr)
def test_what_cannot_be_headers_is_left_to_the_client(given: Any) -> None:
    assert with_context(given, CONTEXT) is given


@pytest.mark.parametrize("given", [[None], [("a",)], ["text"], [([], b"1")], [(5, b"1")]], ids=repr)
def test_entries_that_cannot_be_headers_are_left_to_the_client(given: Any) -> None:
    assert with_context(given, CONTEXT)[0] == given[0]


def test_headers_are_read_as_bytes_or_text_and_the_last_counts() -> None:
    getter = HeadersGetter()
    headers = [("a", b"1"), ("a", "2"), ("b", None), ("a", None), ("c", memoryview(b"\xff"))]
    assert getter.get(headers, "a") == ["2"]
    assert getter.get(headers, "b") is None
    assert getter.get(headers, "c") == ["\ufffd"]
    assert getter.get(dict(headers[:1]), "a") == ["1"]
    assert getter.get(None, "a") is None
    assert getter.keys(headers) == ["a", "a", "b", "a", "c"]
    assert getter.keys(None) == []


def test_a_header_that_is_there_gets_the_new_value() -> None:
    setter = HeadersSetter()
    headers: Any = [("a", b"1"), ("b", b"2")]
    setter.set(headers, "a", "3")
    assert headers == [("b", b"2"), ("a", b"3")]
    headers = {"a": b"1"}
    setter.set(headers, "a", "3")
    assert headers == {"a": b"3"}
    setter.set(None, "a", "3")


@pytest.mark.parametrize(
    ("servers", "address", "port"),
    [
        ("localhost:9092", "localhost", 9092),
        (["a:1", "b:2"], "a", 1),
        ("a:1,b:2", "a", 1),
        ("SASL_SSL://a:1,b:2", "a", 1),
        ("[::1]:9092", "::1", 9092),
        ("::1", "::1", None),
        ("broker", "broker", None),
        ("broker:text", "broker", None),
        ([], None, None),
        (None, None, None),
    ],
    ids=repr,
)
def test_the_first_server_is_the_address(servers: Any, address: Any, port: Any) -> None:
    attributes = client_attributes(servers, None)
    assert attributes.get("server.address") == address
    assert attributes.get("server.port") == port


@pytest.mark.parametrize(
    ("key", "text"),
    [("a", "a"), (b"a", "a"), (bytearray(b"a"), "a"), (b"\xff", None), (5, "5"), (object(), None)],
)
def test_a_key_is_text_where_it_has_such_a_form(key: Any, text: str | None) -> None:
    assert key_text(key) == text


def test_errors_have_the_brokers_name_or_their_class() -> None:
    class Answered(Exception):
        message = "NOT_ENOUGH_REPLICAS"

    class OfTheClient(Exception):
        message = "something went wrong"

    described = SimpleNamespace(name=lambda: "_MSG_TIMED_OUT")
    assert error_type(Answered("text")) == "NOT_ENOUGH_REPLICAS"
    assert error_type(OfTheClient("text")).endswith("OfTheClient")
    assert error_type(ValueError("text")) == "ValueError"
    assert error_type(RuntimeError(described)) == "_MSG_TIMED_OUT"
    assert error_type(described) == "_MSG_TIMED_OUT"


def older(*_: Any) -> dict[str, Any]:
    return {}


def test_a_broker_without_headers_gets_none(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    """Clients refuse to send a message with headers to brokers before 0.11."""
    sent = []

    class Future:
        def add_callback(self, callback: Any) -> None:
            callback(Metadata())

        def add_errback(self, callback: Any) -> None:
            pass

    class Metadata(tuple[Any, ...]):
        offset = 7

        def __getitem__(self, place: Any) -> Any:
            return 3

    def send(*args: Any, **kwargs: Any) -> Future:
        sent.append((args, kwargs))
        return Future()

    messaging = Messaging(tracer, messaging_metrics("details", ""), kafka._logger, "receive", older)
    producing = kafka._Producing(messaging, None)
    for version in ((0, 10, 2), (2, 6), None):
        producer = SimpleNamespace(config={"api_version": version, "bootstrap_servers": "a:1"})
        producing.send(send, producer, ("topic", b"value"), {})
    assert [sorted(kwargs) for _, kwargs in sent] == [[], ["headers"], ["headers"]]
    spans = exporter.get_finished_spans()
    assert [span.attributes["messaging.kafka.offset"] for span in spans] == [7] * 3
    old = SimpleNamespace(client=SimpleNamespace(api_version=(0, 10)))
    assert not aiokafka._takes_headers(old)


def test_a_propagator_that_raises_does_not_keep_messages_back(
    tracer: trace.Tracer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        fields = frozenset({"traceparent"})

        def inject(self, *arguments: Any) -> None:
            raise RuntimeError("the propagator's")

    monkeypatch.setattr(
        "oxitel.instrumentation.messaging.headers.get_global_textmap", lambda: Broken()
    )
    messaging = Messaging(tracer, messaging_metrics("details", ""), kafka._logger, "receive", older)
    mine = [("a", b"1")]
    sending = messaging.start_sending(None, {}, kafka.Message("t", 0, None, None, 1, None))
    assert messaging.headers_for(sending, mine) is mine
    assert "Failed to put the context into a message's headers" in caplog.text
    sending.end()


def test_what_somebody_made_current_meanwhile_stays(tracer: trace.Tracer) -> None:
    before = context_api.get_current()
    consumer = SimpleNamespace()
    deliveries = Deliveries.of(consumer, lambda owner: False)
    deliveries.begin(tracer.start_span("one"), before, "me")
    token = context_api.attach(context_api.set_value("mine", 1))
    mine = context_api.get_current()
    deliveries.next("me")
    assert context_api.get_current() is mine
    deliveries.begin(tracer.start_span("two"), before, "me")
    deliveries.finish()
    assert context_api.get_current() is mine
    context_api.detach(token)
    # The first delivery's context is current again; who asks for the next one is told better.
    assert ambient() is before
    context_api.attach(before)


def test_a_consumer_that_is_dropped_ends_its_span(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    before = context_api.get_current()
    consumer = SimpleNamespace()
    deliveries = Deliveries.of(consumer, lambda owner: False)
    deliveries.begin(tracer.start_span("one"), before, "me")
    assert exporter.get_finished_spans() == ()
    del consumer, deliveries
    assert [span.name for span in exporter.get_finished_spans()] == ["one"]
    assert context_api.get_current() is before


def test_a_message_that_is_dropped_unanswered_ends_its_span(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    sending = Sending(tracer.start_span("sent"), "topic")
    sending.wait()
    assert exporter.get_finished_spans() == ()
    del sending
    assert [span.name for span in exporter.get_finished_spans()] == ["sent"]


def test_the_first_answer_counts(
    tracer: trace.Tracer, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    sending = Sending(tracer.start_span("sent"), "topic")
    sending.failed(ValueError("first"))
    sending.acknowledged(0, 1)
    sending.failed(ValueError("second"))
    sending.end()
    (span,) = exporter.get_finished_spans()
    assert span.status.description == "ValueError: first"
    assert caplog.records == []


@pytest.mark.fork
def test_spans_that_are_open_at_exit_are_exported_once(
    collector: Any, run_program: Callable[..., Any]
) -> None:
    """Nobody read on, nobody waited for an acknowledgement; and a child has copies of both."""
    run_program(
        f"""
import os
import sys
from types import SimpleNamespace

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from oxitel.instrumentation.messaging.metrics import messaging_metrics
from oxitel.instrumentation.messaging.receiving import Deliveries
from oxitel.instrumentation.messaging.sending import Sending

provider = TracerProvider()
trace.set_tracer_provider(provider)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter({collector.traces_endpoint!r})))
tracer = trace.get_tracer("exit")
consumer = SimpleNamespace()
deliveries = Deliveries.of(consumer, lambda owner: False)
deliveries.begin(tracer.start_span("received"), context.get_current(), "me")
sending = Sending(tracer.start_span("sent"), "topic")
sending.wait()
child = os.fork()
if child == 0:
    tracer.start_span("child").end()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
""",
        check=True,
    )
    names = Counter(span["name"] for span in collector.wait_for(3))
    assert names == {"received": 1, "sent": 1, "child": 1}
