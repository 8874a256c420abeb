"""Numbers that no machine's number can hold, nor a wait: wherever a program or its environment
gives one, it works as no limit does and raises nothing."""

from __future__ import annotations

import math
import subprocess
import sys
import textwrap
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext

from conftest import program_environment
from oxitel import quantity
from oxitel.variables.registry import each_form
from oxitel.variables.variable import Integer, Number

NOWHERE = "http://127.0.0.1:9"
LARGE = [2**63, 2**64, 2**70, 10**400]
ODD = [1.5, 1e300, math.inf, math.nan, Decimal("2.5"), Fraction(5, 2), True]
LIMITS = (
    "max_attributes",
    "max_events",
    "max_links",
    "max_span_attributes",
    "max_event_attributes",
    "max_link_attributes",
    "max_attribute_length",
    "max_span_attribute_length",
)
COUNTS = ("max_queue_size", "max_export_batch_size")
DURATIONS = ("schedule_delay_millis", "export_timeout_millis")


class Nobody(MetricExporter):
    def export(self, *_: Any, **__: Any) -> MetricExportResult:
        return MetricExportResult.SUCCESS

    def force_flush(self, *_: Any, **__: Any) -> bool:
        return True

    def shutdown(self, *_: Any, **__: Any) -> None:
        return None


def one_span(limits: SpanLimits | None = None, processor: Any = None) -> Any:
    provider = TracerProvider(span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter(NOWHERE)))
    link = Link(SpanContext(1, 2, False), {"key": "text"})
    tracer = provider.get_tracer("numbers")
    with tracer.start_as_current_span("one", attributes={"key": "text"}, links=[link]) as span:
        span.set_attribute("other", ["text"])
        span.add_event("event", {"key": "text"})
        span.add_link(SpanContext(3, 4, False), {"key": "text"})
    provider.force_flush(100)
    provider.shutdown()
    return span


@pytest.mark.parametrize("number", LARGE)
@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_that_is_larger_than_any_count_is_none(name: str, number: int) -> None:
    span = one_span(SpanLimits(**{name: number}))
    assert dict(span.attributes) == {"key": "text", "other": ("text",)}
    assert (len(span.events), len(span.links)) == (1, 2)
    assert span.to_json()


@pytest.mark.parametrize("number", [number for number in ODD if not number < 2])
def test_a_count_limit_is_any_number(number: Any) -> None:
    for name in ("max_attributes", "max_span_attributes", "max_event_attributes"):
        span = one_span(SpanLimits(**{name: number}))
        assert len(span.attributes) == 2


@pytest.mark.parametrize("number", LARGE)
def test_limits_of_log_records_may_be_as_large(number: int) -> None:
    limits = LogRecordLimits(
        max_log_record_attributes=number, max_log_record_attribute_length=number
    )
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False, log_record_limits=limits)  # type: ignore[call-arg]
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(NOWHERE)))
    provider.get_logger("numbers").emit(body="text", attributes={"key": "text"})
    provider.force_flush(1000)
    provider.shutdown()
    (log,) = exporter.get_finished_logs()
    assert log.log_record.attributes == {"key": "text"}


@pytest.mark.parametrize("number", [*LARGE, *ODD])
@pytest.mark.parametrize("is_native", [True, False], ids=["native", "python"])
@pytest.mark.parametrize("name", [*COUNTS, *DURATIONS])
def test_batch_processors_take_every_number(name: str, is_native: bool, number: Any) -> None:
    options: Any = {name: number}
    if name == "max_queue_size":
        options["max_export_batch_size"] = 1
    elif name == "max_export_batch_size":
        options["max_queue_size"] = max(number, 2048)
    python_exporter = InMemorySpanExporter()
    exporter = OTLPSpanExporter(NOWHERE) if is_native else python_exporter
    one_span(processor=BatchSpanProcessor(exporter, **options))
    if not is_native:
        assert [span.name for span in python_exporter.get_finished_spans()] == ["one"]


def tracer_provider() -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(NOWHERE)))
    return provider


def concurrent_provider() -> TracerProvider:
    processor = ConcurrentMultiSpanProcessor(2)
    provider = TracerProvider(shutdown_on_exit=False, active_span_processor=processor)
    provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    return provider


def logger_provider() -> LoggerProvider:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(InMemoryLogRecordExporter()))
    return provider


def meter_provider() -> MeterProvider:
    return MeterProvider([PeriodicExportingMetricReader(Nobody())], shutdown_on_exit=False)


@pytest.mark.parametrize("millis", [*LARGE, *ODD])
@pytest.mark.parametrize(
    "make", [tracer_provider, concurrent_provider, logger_provider, meter_provider]
)
def test_a_flush_takes_every_number_of_milliseconds(make: Callable[[], Any], millis: Any) -> None:
    provider = make()
    is_long = not millis < 100
    assert provider.force_flush(millis) is True or not is_long
    if isinstance(provider, MeterProvider) and is_long:
        provider.shutdown(millis)
    else:
        provider.shutdown()


@pytest.mark.parametrize("millis", [*LARGE, *ODD])
def test_a_periodic_reader_takes_every_number(
    millis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("export_interval_millis", "export_timeout_millis"):
        reader = PeriodicExportingMetricReader(Nobody(), **{name: millis})
        provider = MeterProvider([reader], shutdown_on_exit=False)
        provider.get_meter("numbers").create_counter("counter").add(1)
        assert reader.force_flush(5000)
        provider.shutdown()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == (1 if millis != millis else 0), said
    assert all("export_interval_millis: 'nan'" in text and "60000" in text for text in said)


@pytest.mark.parametrize("number", LARGE)
def test_a_cardinality_limit_may_be_as_large(number: int) -> None:
    view = View(instrument_name="*", aggregation_cardinality_limit=number)
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], views=[view], shutdown_on_exit=False)
    provider.get_meter("numbers").create_counter("counter").add(1)
    data = reader.get_metrics_data()
    assert data is not None
    assert len(data.resource_metrics) == 1
    provider.shutdown()


@pytest.mark.parametrize("seconds", [*LARGE, *ODD, "5"])
def test_exporters_take_every_number_of_seconds(seconds: Any) -> None:
    for exporter in (
        OTLPSpanExporter(NOWHERE, timeout=seconds),
        GrpcExporter(NOWHERE, timeout=seconds),
        OTLPMetricExporter(NOWHERE, timeout=seconds, max_export_batch_size=seconds),
    ):
        exporter.shutdown()


PROGRAM = """
    import logging, sys

    logging.basicConfig(stream=sys.stdout, level=logging.WARNING)
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    traces = TracerProvider()
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    with traces.get_tracer("t").start_as_current_span("s", attributes={"key": "text"}) as span:
        span.add_event("event", {"key": "text"})
        assert (dict(span.attributes), len(span.events)) == ({"key": "text"}, 1)
    logs = LoggerProvider()
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    logs.get_logger("l").emit(body="text", attributes={"key": "text"})
    metrics = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    metrics.get_meter("m").create_counter("c").add(1)
"""


@pytest.mark.parametrize("text", ["99999999999999999999", "9" * 400], ids=["20", "400"])
def test_variables_take_numbers_of_any_size(text: str) -> None:
    names = {form.name for form in each_form() if isinstance(form, (Integer, Number))}
    # A share is none above one, and a limit on the batch has to fit the queue, which it then has.
    names -= {"OTEL_TRACES_SAMPLER_ARG"}
    environment = program_environment(
        {name: text for name in names} | {"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE}
    )
    program = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (program.returncode, program.stderr) == (0, "")
    assert "Invalid" not in program.stdout


def test_durations_and_counts_keep_to_what_a_machine_can_say() -> None:
    longest = quantity.MAX_SECONDS
    for millis, seconds in (
        (1500, 1.5),
        (Decimal("1.5"), 0.0015),
        (10**400, longest),
        (-(10**400), -longest),
        (math.inf, longest),
        (-math.inf, -longest),
        (math.nan, longest),
    ):
        assert quantity.seconds_of(millis) == seconds  # type: ignore[arg-type]
    for number, count in ((2.5, 2), (10**400, sys.maxsize), (math.inf, sys.maxsize), (-1, -1)):
        assert quantity.count_of(number) == count
    with pytest.raises(TypeError):
        quantity.seconds_of(None)  # type: ignore[arg-type]
