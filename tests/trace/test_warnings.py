"""What the library warns of: once for a place of the program, and never as a record of its own."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider


def test_a_misuse_at_one_place_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("a")
    span: Any = tracer.start_span("span")
    span.end()
    for number in range(300):
        span.set_attribute("k", number)
        span.add_event("late")
        span.end()
    assert sorted(caplog.messages) == [
        "Calling end() on an ended span.",
        "Setting attribute on ended span.",
        "Tried calling _add_event on an ended span.",
    ]
    span.set_attribute("elsewhere", 1)
    assert len(caplog.messages) == 4


def test_each_kind_of_value_is_named(caplog: pytest.LogCaptureFixture) -> None:
    class Odd: ...

    class Odder: ...

    span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("a").start_span("span")
    for value in (Odd(), Odder(), Odd(), Odder()):
        span.set_attribute("k", value)
    assert len(caplog.messages) == 2
    assert "Odd'" in caplog.messages[0] and "Odder'" in caplog.messages[1]


@pytest.mark.filterwarnings("ignore:`LoggingHandler`:DeprecationWarning")
def test_a_warning_of_ours_is_no_record_of_the_program(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    handler = LoggingHandler(logger_provider=provider)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        for _ in range(3):
            logging.getLogger("shop").warning("ordered", extra={"request": object()})
        span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("a").start_span("span")
        span.end()
        span.end()
        logging.getLogger("opentelemetry.sdk.trace").warning("of the program")
    finally:
        root.removeHandler(handler)
    bodies = [record.log_record.body for record in exporter.get_finished_logs()]
    assert bodies == ["ordered", "ordered", "ordered", "of the program"]
    assert any("Invalid type" in message for message in caplog.messages)
    assert "Calling end() on an ended span." in caplog.messages


@pytest.mark.filterwarnings("ignore:`LoggingHandler`:DeprecationWarning")
def test_a_record_whose_message_has_no_text_is_exported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError("no text")

    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    handler = LoggingHandler(logger_provider=provider)
    record = logging.makeLogRecord({"msg": Broken(), "levelno": 30, "levelname": "WARNING"})
    handler.handle(record)
    (exported,) = exporter.get_finished_logs()
    assert exported.log_record.body == "<unprintable Broken object>"
    assert "OpenTelemetry's logging handler" in capsys.readouterr().err


def test_what_a_call_cannot_take_is_one_traceback_for_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(InMemoryLogRecordExporter()))
    logger: Any = provider.get_logger("a")
    counter: Any = MeterProvider([InMemoryMetricReader()]).get_meter("a").create_counter("c")
    for _ in range(5):
        logger.emit(LogRecord(body="ordered", attributes=5))  # type: ignore[arg-type]
        counter.add(1, {}, "no context")
    assert len(caplog.messages) == len(set(caplog.messages)) > 0
