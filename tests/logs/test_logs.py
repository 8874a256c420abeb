"""Loggers, processors and handlers of logs, as far as the comparison with the official packages
does not show it."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import (
    ConcurrentMultiLogRecordProcessor,
    Logger,
    LoggerProvider,
    LogRecordLimits,
    LogRecordProcessor,
    ReadWriteLogRecord,
    SynchronousMultiLogRecordProcessor,
)
from opentelemetry.sdk._logs._internal import _LoggerConfig
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from oxitel import _native


@pytest.fixture
def memory() -> InMemoryLogRecordExporter:
    return InMemoryLogRecordExporter()


@pytest.fixture
def provider(memory: InMemoryLogRecordExporter) -> Iterator[LoggerProvider]:
    provider = LoggerProvider(Resource({"service.name": "test"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    yield provider
    provider.shutdown()


@pytest.fixture
def logger(provider: LoggerProvider) -> Iterator[logging.Logger]:
    logger = logging.getLogger("tests.logs")
    logger.setLevel(1)
    logger.propagate = False
    handler = LoggingHandler(logger_provider=provider)
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


class Recording(LogRecordProcessor):
    """Keeps what it is told; `answers` of `enabled` and `force_flush`."""

    def __init__(self, answers: Any = True) -> None:
        self.records: list[ReadWriteLogRecord] = []
        self.asked: list[dict[str, Any]] = []
        self.answers = answers

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self.records.append(log_record)

    def enabled(self, **arguments: Any) -> bool:
        self.asked.append(arguments)
        if isinstance(self.answers, Exception):
            raise self.answers
        return bool(self.answers)

    def shutdown(self) -> None:
        self.asked.append({"shutdown": True})

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        if isinstance(self.answers, Exception):
            raise self.answers
        return bool(self.answers)


def test_a_logger_asks_its_processors_whether_it_is_enabled() -> None:
    provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
    logger = provider.get_logger("enabled")
    assert not logger.enabled()
    first, second = Recording(False), Recording(True)
    provider.add_log_record_processor(first)
    assert not logger.enabled(severity_number=SeverityNumber.INFO, event_name="e")
    assert first.asked[0]["severity_number"] is SeverityNumber.INFO
    assert first.asked[0]["event_name"] == "e"
    assert first.asked[0]["instrumentation_scope"].name == "enabled"
    provider.add_log_record_processor(second)
    assert logger.enabled()


@pytest.mark.parametrize(
    "multi", [SynchronousMultiLogRecordProcessor, ConcurrentMultiLogRecordProcessor]
)
def test_a_broken_processor_harms_neither_the_program_nor_the_others(
    multi: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Recording):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            raise ValueError("wrong")

    good = Recording()
    provider = LoggerProvider(
        Resource({}), shutdown_on_exit=False, multi_log_record_processor=multi()
    )
    provider.add_log_record_processor(Broken(ValueError("wrong")))
    provider.add_log_record_processor(good)
    logger = provider.get_logger("broken")
    for _ in range(3):
        logger.emit(body="body")
    # What comes after it does not get what it may have wanted to hide.
    expected = [] if multi is SynchronousMultiLogRecordProcessor else ["body"] * 3
    assert [record.log_record.body for record in good.records] == expected
    said = [record for record in caplog.records if "on_emit" in record.getMessage()]
    assert len(said) == 1
    assert logger.enabled()
    assert provider.force_flush() is False
    provider.shutdown()
    assert {"shutdown": True} in good.asked


def test_processors_that_are_assigned_take_the_place_of_the_others() -> None:
    multi = SynchronousMultiLogRecordProcessor()
    provider = LoggerProvider(
        Resource({}), shutdown_on_exit=False, multi_log_record_processor=multi
    )
    first, second = Recording(), Recording()
    provider.add_log_record_processor(first)
    logger = provider.get_logger("assigned")
    logger.emit(body="first")
    multi._log_record_processors = (second,)
    logger.emit(body="second")
    assert [record.log_record.body for record in first.records] == ["first"]
    assert [record.log_record.body for record in second.records] == ["second"]


def test_a_record_of_a_program_is_not_changed_by_emitting_it(provider: LoggerProvider) -> None:
    from opentelemetry._logs import LogRecord

    record = LogRecord(body="body", attributes={"a": 1}, exception=ValueError("wrong"))
    provider.get_logger("kept").emit(record)
    assert record.attributes == {"a": 1}


def test_dropped_attributes_are_warned_of_and_never_raise() -> None:
    provider = LoggerProvider(
        Resource({}), log_record_limits=LogRecordLimits(max_log_record_attributes=1)
    )
    native = native_only(provider)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        native.emit(body="body", attributes={"a": 1, "b": 2})
    with pytest.warns(UserWarning, match="Log record attributes were dropped due to limits"):
        native.emit(body="body", attributes={"a": 1, "b": 2})
    provider.shutdown()


def native_only(provider: LoggerProvider) -> Any:
    """A logger whose only processor is native, and sends to nobody."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    exporter = OTLPLogExporter(endpoint="http://127.0.0.1:9/v1/logs", timeout=0.01)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    return provider.get_logger("native")


def test_what_native_code_refuses_is_said_and_does_not_raise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
    logger = native_only(provider)
    logger.emit(body="body", attributes=["no", "mapping"])
    assert "are no mapping" in caplog.text
    logger.emit(timestamp="yesterday", severity_number="loud", event_name=5)
    provider.shutdown()


class Failing:
    def emit_log(self) -> None:
        raise ValueError("no count")


@pytest.mark.parametrize("metrics", [object(), Failing()])
def test_a_record_that_cannot_be_counted_is_emitted(
    metrics: object, memory: InMemoryLogRecordExporter, caplog: pytest.LogCaptureFixture
) -> None:
    class Provider(LoggerProvider):
        def get_logger(self, *_: Any, **__: Any) -> Logger:
            return by_hand

    processor = SimpleLogRecordProcessor(memory)
    scope = InstrumentationScope("by.hand")
    by_hand = Logger(
        Resource({}), processor, scope, logger_metrics=metrics, _logger_config=_LoggerConfig(True)
    )
    for body in ("first", "second"):
        by_hand.emit(body=body)
    handler = LoggingHandler(logger_provider=Provider(shutdown_on_exit=False))
    handler.emit(logging.LogRecord("name", logging.INFO, "path", 1, "third", None, None))
    bodies = [record.log_record.body for record in memory.get_finished_logs()]
    assert bodies == ["first", "second", "third"]
    # Once for each place that gives cause for it.
    assert caplog.text.count("do not count a log record") == 2


def test_the_handler_holds_no_lock_while_it_handles(logger: logging.Logger) -> None:
    """An attribute that waits for another thread, which logs to the same handler."""

    class Waiting:
        def __str__(self) -> str:
            thread = threading.Thread(target=logger.info, args=("from the thread",))
            thread.start()
            thread.join(10)
            assert not thread.is_alive()
            return "waited"

    start = time.monotonic()
    logger.info("waiting", extra={"waiting": Waiting()})
    assert time.monotonic() - start < 5


def test_a_thread_that_holds_loggings_own_lock_stops_no_record(
    logger: logging.Logger, memory: InMemoryLogRecordExporter
) -> None:
    logger.isEnabledFor(logging.INFO)
    lock: Any = logging._lock  # type: ignore[attr-defined]
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            release.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    worker = threading.Thread(target=logger.info, args=("meanwhile",))
    worker.start()
    worker.join(5)
    is_done = not worker.is_alive()
    release.set()
    holder.join()
    worker.join()
    assert is_done
    assert [record.log_record.body for record in memory.get_finished_logs()] == ["meanwhile"]


def test_a_filter_may_give_another_record(
    logger: logging.Logger, memory: InMemoryLogRecordExporter
) -> None:
    class Replacing(logging.Filter):
        def filter(self, record: logging.LogRecord) -> Any:
            return logging.makeLogRecord({**vars(record), "msg": "replaced"})

    import sys

    logger.handlers[0].addFilter(Replacing())
    logger.info("original")
    expected = "replaced" if sys.version_info >= (3, 12) else "original"
    assert [record.log_record.body for record in memory.get_finished_logs()] == [expected]


def test_a_handler_that_cannot_emit_says_so_as_logging_does(
    logger: logging.Logger,
    memory: InMemoryLogRecordExporter,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Past the logger, where pytest listens too and raises.
    record = logger.makeRecord("name", logging.INFO, "file", 1, "%d", ("no number",), None)
    assert logger.handlers[0].handle(record)
    said = capsys.readouterr().err
    assert (
        "OpenTelemetry's logging handler cannot read a log record:\n--- Logging error ---" in said
    )
    assert "TypeError: %d format" in said
    assert [record.log_record.body for record in memory.get_finished_logs()] == ["%d"]


def test_the_context_manager_of_spans_is_followed_across_threads(
    logger: logging.Logger, memory: InMemoryLogRecordExporter
) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")

    def work() -> None:
        with tracer.start_as_current_span("span") as span:
            logger.info("%032x", span.get_span_context().trace_id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = [record.log_record for record in memory.get_finished_logs()]
    assert len(records) == 8
    assert all(record.body == trace.format_trace_id(record.trace_id) for record in records)


def test_a_logger_of_the_sdk_is_native_and_of_the_api(provider: LoggerProvider) -> None:
    from opentelemetry import _logs

    logger = provider.get_logger("kind")
    assert isinstance(logger, Logger)
    assert isinstance(logger, _native.Logger)
    assert isinstance(logger, _logs.Logger)


def test_loggers_are_forgotten_with_their_last_reference(provider: LoggerProvider) -> None:
    import gc
    import weakref

    kept = weakref.ref(provider.get_logger("gone", attributes={"a": 1}))
    gc.collect()
    assert kept() is None


def test_encoded_logs_are_those_of_the_batch(provider: LoggerProvider, memory: Any) -> None:
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs

    provider.get_logger("a", "1").emit(body="first", attributes={"k": "v"})
    provider.get_logger("b").emit(body="second")
    data = encode_logs(memory.get_finished_logs()).SerializeToString()
    assert data == _native.encode_logs(list(memory.get_finished_logs()))
    for text in (b"first", b"second", b"service.name", b"k", b"v"):
        assert text in data
    assert data.count(b"service.name") == 1
