"""Processors: forwarding, batching for exporters written in Python, shutting down, forking."""

from __future__ import annotations

import logging
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._shared_internal import DuplicateFilter
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    ReadableSpan,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, TraceFlags

from oxitel.variables import variable


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message is said once, so what earlier tests heard has to be forgotten."""
    monkeypatch.setattr(variable, "_said", set())
    monkeypatch.setattr(DuplicateFilter, "filter", lambda self, record: True)


class Ended:
    """As much of an ended span as processors look at."""

    def __init__(self, name: str = "span", *, sampled: bool = True) -> None:
        self.name = name
        self.context = SpanContext(1, 2, False, TraceFlags(int(sampled)))


def ended(name: str = "span", *, sampled: bool = True) -> Any:
    return Ended(name, sampled=sampled)


class Exporter(SpanExporter):
    """Keeps the names of what it exports; can be held up, fail and raise."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.result: SpanExportResult | None = SpanExportResult.SUCCESS
        self.error: Exception | None = None
        self.entered = threading.Event()
        self.released = threading.Event()
        self.released.set()
        self.shutdowns = 0
        self.suppressed: object = None
        self.threads: set[str] = set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.entered.set()
        self.released.wait(10)
        self.suppressed = get_value(_SUPPRESS_INSTRUMENTATION_KEY)
        self.threads.add(threading.current_thread().name)
        self.batches.append([span.name for span in spans])
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]

    def shutdown(self) -> None:
        self.shutdowns += 1

    @property
    def names(self) -> list[str]:
        return [name for batch in self.batches for name in batch]


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


class Recorder(SpanProcessor):
    """Writes down what it is called with."""

    def __init__(self, name: str, calls: list[tuple[str, str]], flushes: Any = True) -> None:
        self.name = name
        self.calls = calls
        self.flushes = flushes
        self.timeouts: list[int] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.calls.append((self.name, "on_start"))

    def _on_ending(self, span: Any) -> None:
        self.calls.append((self.name, "_on_ending"))

    def on_end(self, span: Any) -> None:
        self.calls.append((self.name, "on_end"))

    def shutdown(self) -> None:
        self.calls.append((self.name, "shutdown"))

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.calls.append((self.name, "force_flush"))
        self.timeouts.append(timeout_millis)
        if isinstance(self.flushes, Exception):
            raise self.flushes
        if isinstance(self.flushes, float):
            time.sleep(self.flushes)
            return True
        return self.flushes  # type: ignore[no-any-return]


METHODS = ("on_start", "_on_ending", "on_end", "shutdown", "force_flush")
MULTIS = (SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor)


def call_all(processor: SpanProcessor) -> None:
    span = ended()
    processor.on_start(span, parent_context=None)
    processor._on_ending(span)
    processor.on_end(span)
    processor.shutdown()
    processor.force_flush()


@pytest.mark.parametrize("multi", MULTIS)
def test_every_method_is_forwarded_to_every_processor(multi: Any) -> None:
    calls: list[tuple[str, str]] = []
    processor = multi()
    for name in ("first", "second"):
        processor.add_span_processor(Recorder(name, calls))
    call_all(processor)
    assert set(calls) == {(name, method) for name in ("first", "second") for method in METHODS}
    assert len(calls) == 10
    if multi is SynchronousMultiSpanProcessor:
        assert calls == [(name, method) for method in METHODS for name in ("first", "second")]


@pytest.mark.parametrize("multi", MULTIS)
def test_what_a_processor_raises_is_logged_once_and_the_others_are_called(
    multi: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(SpanProcessor):
        def _raise(self, *args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("broken on purpose")

        on_start = shutdown = force_flush = _raise

    calls: list[tuple[str, str]] = []
    processor = multi()
    processor.add_span_processor(Broken())
    processor.add_span_processor(Recorder("second", calls))
    for _ in range(3):
        call_all(processor)
    assert len(calls) == 15
    assert not processor.force_flush()
    logged = [record.getMessage().split(" of span")[0] for record in caplog.records]
    methods = ("force_flush", "on_start", "shutdown")
    assert sorted(logged) == [f"Exception while calling {method}" for method in methods]


class FailingRedactor(SpanProcessor):
    def __init__(self, method: str, error: type[BaseException] = RuntimeError) -> None:
        def fail(span: Any) -> None:
            if "secret" in span.name:
                raise error("the redactor has a fault")

        setattr(self, method, fail)


def nested(multi: Any) -> Callable[[SpanProcessor], SpanProcessor]:
    def wrap(processor: SpanProcessor) -> SpanProcessor:
        outer = multi()
        outer.add_span_processor(processor)
        return outer

    return wrap


@pytest.mark.parametrize("method", ["on_end", "_on_ending"])
@pytest.mark.parametrize(
    "wrap", [lambda processor: processor, *map(nested, MULTIS)], ids=["alone", "nested", "threads"]
)
def test_a_span_that_a_processor_failed_on_is_not_exported_by_those_after_it(
    wrap: Any, method: str, collector: Any, caplog: pytest.LogCaptureFixture
) -> None:
    before, after = InMemorySpanExporter(), InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(before))
    provider.add_span_processor(wrap(FailingRedactor(method)))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector.grpc_endpoint)))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(collector.grpc_endpoint)))
    provider.add_span_processor(SimpleSpanProcessor(after))
    tracer = provider.get_tracer("test")
    for name in ("first", "secret 1", "secret 2", "last"):
        tracer.start_span(name).end()
    assert provider.force_flush()
    assert sorted({span["name"] for span in collector.spans()}) == ["first", "last"]
    assert [span.name for span in after.get_finished_spans()] == ["first", "last"]
    seen_before = [span.name for span in before.get_finished_spans()]
    if method == "on_end":
        assert seen_before == ["first", "secret 1", "secret 2", "last"]
    said = [record for record in caplog.records if "Exception while calling" in record.message]
    assert len(said) == 1
    provider.shutdown()


def test_a_redactor_that_is_interrupted_lets_nothing_out(collector: Any) -> None:
    provider = TracerProvider()
    provider.add_span_processor(FailingRedactor("on_end", KeyboardInterrupt))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector.grpc_endpoint)))
    with pytest.raises(KeyboardInterrupt):
        provider.get_tracer("test").start_span("secret").end()
    assert provider.force_flush()
    assert collector.spans() == []
    provider.shutdown()


def test_processors_can_be_assigned_and_native_code_learns_of_them() -> None:
    calls: list[tuple[str, str]] = []
    processor = SynchronousMultiSpanProcessor()
    first, second = Recorder("first", calls), Recorder("second", calls)
    processor.add_span_processor(first)
    assert processor._span_processors == (first,)
    processor._span_processors = [second, first]  # type: ignore[assignment]
    assert processor._span_processors == (second, first)
    processor.on_end(ended())
    assert calls == [("second", "on_end"), ("first", "on_end")]


def test_flushing_goes_on_after_a_failure_and_tells_the_truth() -> None:
    calls: list[tuple[str, str]] = []
    processor = SynchronousMultiSpanProcessor()
    for name, flushes in (("a", True), ("b", False), ("c", None), ("d", True)):
        processor.add_span_processor(Recorder(name, calls, flushes))
    assert processor.force_flush() is False
    assert [name for name, _ in calls] == ["a", "b", "c", "d"]


def test_flushing_shares_one_deadline_and_stops_when_it_has_passed() -> None:
    calls: list[tuple[str, str]] = []
    processor = SynchronousMultiSpanProcessor()
    slow, late = Recorder("slow", calls, 0.1), Recorder("late", calls)
    processor.add_span_processor(slow)
    processor.add_span_processor(late)
    assert processor.force_flush(1000) is True
    assert slow.timeouts[0] in range(500, 1001)
    assert late.timeouts[0] <= slow.timeouts[0] - 100
    assert processor.force_flush(50) is False
    assert len(late.timeouts) == 1


def test_concurrent_processors_flush_at_the_same_time() -> None:
    all_are_flushing = threading.Barrier(3)

    class Meeting(SpanProcessor):
        def force_flush(self, timeout_millis: int = 30000) -> bool:
            all_are_flushing.wait(10)
            return True

    processor = ConcurrentMultiSpanProcessor(num_threads=3)
    for _ in range(3):
        processor.add_span_processor(Meeting())
    assert processor.force_flush() is True


def test_a_concurrent_processor_that_is_too_slow_fails_the_flush() -> None:
    processor = ConcurrentMultiSpanProcessor()
    processor.add_span_processor(Recorder("slow", [], 0.3))
    assert processor.force_flush(20) is False
    assert processor.force_flush(5000) is True


def test_a_simple_processor_exports_each_sampled_span_at_once() -> None:
    exporter = Exporter()
    processor = SimpleSpanProcessor(exporter)
    processor.on_end(ended("a"))
    processor.on_end(ended("not sampled", sampled=False))
    processor.on_end(ended("b"))
    assert exporter.batches == [["a"], ["b"]]
    assert exporter.suppressed is True
    assert get_value(_SUPPRESS_INSTRUMENTATION_KEY) is None
    assert processor.force_flush() is True


def test_a_simple_processor_logs_what_the_exporter_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = Exporter()
    exporter.error = RuntimeError("broken on purpose")
    SimpleSpanProcessor(exporter).on_end(ended())
    assert "Exception while exporting Span." in caplog.text
    assert "broken on purpose" in caplog.text


def test_an_exporter_that_always_fails_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("oxitel.diagnostics.duplicate_filter.time", lambda: 1e9)
    exporter = Exporter()
    exporter.error = RuntimeError("broken on purpose")
    for processor in (SimpleSpanProcessor(exporter), BatchSpanProcessor(exporter, 9, 6e4, 1)):
        for _ in range(20):
            processor.on_end(ended())
            processor.force_flush()
    assert [record.getMessage() for record in caplog.records] == [
        "Exception while exporting Span."
    ] * 2


def test_a_simple_processor_that_is_shut_down_exports_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = Exporter()
    processor = SimpleSpanProcessor(exporter)
    processor.shutdown()
    processor.on_end(ended())
    assert (exporter.batches, exporter.shutdowns) == ([], 1)
    assert "Processor is already shutdown, ignoring call" in caplog.text


def test_a_batch_is_exported_when_it_is_full() -> None:
    exporter = Exporter()
    processor = BatchSpanProcessor(exporter, 100, 60000, 3)
    for number in range(7):
        processor.on_end(ended(str(number)))
    processor.on_end(ended("not sampled", sampled=False))
    until(lambda: len(exporter.names) >= 6)
    assert exporter.batches == [["0", "1", "2"], ["3", "4", "5"]]
    assert exporter.threads == {"OtelBatchSpanRecordProcessor"}
    assert exporter.suppressed is True
    processor.shutdown()
    assert exporter.batches[2:] == [["6"]]
    assert exporter.shutdowns == 1


def test_a_part_of_a_batch_is_exported_after_the_delay() -> None:
    exporter = Exporter()
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=50)
    started = time.monotonic()
    processor.on_end(ended("a"))
    until(lambda: exporter.names == ["a"])
    assert time.monotonic() - started >= 0.04
    processor.shutdown()


def test_flushing_exports_everything_and_can_be_done_again() -> None:
    exporter = Exporter()
    processor = BatchSpanProcessor(exporter, 1000, 60000, 4)
    for round_number in range(3):
        for number in range(10):
            processor.on_end(ended(f"{round_number}.{number}"))
        assert processor.force_flush() is True
        assert len(exporter.names) == 10 * (round_number + 1)
    assert processor.force_flush(10) is True
    assert exporter.names == [f"{a}.{b}" for a in range(3) for b in range(10)]
    assert max(len(batch) for batch in exporter.batches) == 4
    processor.shutdown()
    assert processor.force_flush() is False


@pytest.mark.parametrize("failure", [SpanExportResult.FAILURE, RuntimeError("broken on purpose")])
def test_flushing_says_that_an_export_failed(
    failure: Any, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = Exporter()
    processor = BatchSpanProcessor(exporter, 1000, 60000, 500)
    if isinstance(failure, Exception):
        exporter.error = failure
    else:
        exporter.result = failure
    processor.on_end(ended())
    assert processor.force_flush() is False
    assert ("Exception while exporting Span." in caplog.text) is (exporter.error is not None)
    exporter.error, exporter.result = None, None
    processor.on_end(ended())
    assert processor.force_flush() is True
    processor.shutdown()


def test_flushing_keeps_to_its_timeout_while_an_export_hangs() -> None:
    exporter = Exporter()
    exporter.released.clear()
    processor = BatchSpanProcessor(exporter, 1000, 60000, 500)
    processor.on_end(ended())
    started = time.monotonic()
    assert processor.force_flush(100) is False
    assert 0.09 < time.monotonic() - started < 1
    exporter.released.set()
    assert processor.force_flush(5000) is True
    processor.shutdown()


def test_flushing_waits_for_the_export_that_is_under_way() -> None:
    exporter = Exporter()
    exporter.released.clear()
    processor = BatchSpanProcessor(exporter, 2, 60000, 2)
    processor.on_end(ended("a"))
    processor.on_end(ended("b"))
    assert exporter.entered.wait(5)
    for number in range(6):
        # Drops as many as were taken before the flush, which must not make it return early.
        processor.on_end(ended(str(number)))
    flushed: list[bool] = []
    flusher = threading.Thread(target=lambda: flushed.append(processor.force_flush(5000)))
    flusher.start()
    for number in range(10):
        processor.on_end(ended(f"later {number}"))
    time.sleep(0.05)
    assert flushed == []
    exporter.released.set()
    flusher.join()
    assert flushed == [True]
    assert exporter.batches[0] == ["a", "b"]
    processor.shutdown()


def test_an_exporter_that_flushes_its_own_processor_does_not_wait_for_itself() -> None:
    class Flushing(Exporter):
        flushed: bool | None = None

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            self.flushed = processor.force_flush(5000)
            return super().export(spans)

    exporter = Flushing()
    processor = BatchSpanProcessor(exporter, 1000, 60000, 500)
    processor.on_end(ended())
    started = time.monotonic()
    assert processor.force_flush() is True
    assert time.monotonic() - started < 1
    assert exporter.flushed is False
    processor.shutdown()


def test_a_full_queue_drops_the_oldest_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    exporter = Exporter()
    exporter.released.clear()
    processor = BatchSpanProcessor(exporter, 3, 60000, 1)
    processor.on_end(ended("in export"))
    assert exporter.entered.wait(5)
    for number in range(10):
        processor.on_end(ended(str(number)))
    exporter.released.set()
    assert processor.force_flush() is True
    assert exporter.names == ["in export", "7", "8", "9"]
    assert [record.getMessage() for record in caplog.records] == ["Queue full, dropping Span."]
    processor.shutdown()


def test_after_shutdown_spans_are_ignored_and_it_happens_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    exporter = Exporter()
    processor = BatchSpanProcessor(exporter)
    processor.on_end(ended("before"))
    processor.shutdown()
    processor.shutdown()
    processor.on_end(ended("after"))
    assert (exporter.names, exporter.shutdowns) == (["before"], 1)
    assert "Shutdown called, ignoring Span." in caplog.text


def test_shutdown_takes_no_longer_than_the_export_timeout(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Timed(Exporter):
        remaining: float | None = None

        def shutdown(self, timeout_millis: float = 30000) -> None:
            self.remaining = timeout_millis

    exporter = Timed()
    exporter.released.clear()
    processor = BatchSpanProcessor(exporter, 100, 60000, 1, export_timeout_millis=100)
    for number in range(4):
        processor.on_end(ended(str(number)))
    started = time.monotonic()
    processor.shutdown()
    assert 0.09 < time.monotonic() - started < 1
    assert exporter.remaining == 0
    said = "4 of 4 records (Span) were not exported: shutdown took too long (4)."
    assert said in caplog.text
    exporter.released.set()
    time.sleep(0.05)
    assert exporter.names == ["0"]


def test_an_exporter_is_told_how_much_time_its_shutdown_has() -> None:
    class Timed(Exporter):
        remaining: float | None = None

        def shutdown(self, timeout_millis: float = 30000) -> None:
            self.remaining = timeout_millis

    exporter = Timed()
    BatchSpanProcessor(exporter, export_timeout_millis=5000).shutdown()
    assert exporter.remaining is not None
    assert 4000 < exporter.remaining <= 5000


def test_what_the_exporters_shutdown_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Exporter):
        def shutdown(self) -> None:
            raise RuntimeError("broken on purpose")

    BatchSpanProcessor(Broken()).shutdown()
    assert "broken on purpose" in caplog.text


def test_endless_delays_and_timeouts_are_waited_for_as_long_as_it_takes() -> None:
    exporter = Exporter()
    endless = float("inf")
    processor = BatchSpanProcessor(exporter, 100, endless, 2, endless)
    processor.on_end(ended("a"))
    assert processor.force_flush(endless) is True  # type: ignore[arg-type]
    processor.on_end(ended("b"))
    processor.shutdown()
    assert exporter.names == ["a", "b"]


def test_many_threads_lose_nothing() -> None:
    exporter = Exporter()
    processor = BatchSpanProcessor(exporter, 100_000, 60000, 64)

    def end_spans(thread: int) -> None:
        for number in range(500):
            processor.on_end(ended(f"{thread}.{number}"))

    threads = [threading.Thread(target=end_spans, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert processor.force_flush() is True
    assert sorted(exporter.names) == sorted(f"{a}.{b}" for a in range(8) for b in range(500))
    processor.shutdown()


@pytest.mark.fork
def test_a_forked_child_exports_its_own_spans_and_none_of_its_parents(run_program: Any) -> None:
    program = textwrap.dedent(
        """
        import os, sys, threading, time
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
        from opentelemetry.trace import SpanContext, TraceFlags

        class Ended:
            def __init__(self, name):
                self.name = name
                self.context = SpanContext(1, 2, False, TraceFlags(1))

        class Printing(SpanExporter):
            def export(self, spans):
                os.write(1, f"{who} {[span.name for span in spans]}\\n".encode())

        who = "parent"
        processor = BatchSpanProcessor(Printing(), 100, 60000, 50)
        processor.on_end(Ended("of the parent"))
        # Held by another thread at the time of the fork, as it may be in a busy program.
        lock = processor._batch_processor._changed
        lock.acquire()
        if (child := os.fork()) == 0:
            who = "child"
            processor.on_end(Ended("of the child"))
            assert processor.force_flush(5000)
            processor.on_end(Ended("at the end"))
            processor.shutdown()
            os._exit(0)
        lock.release()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        processor.shutdown()
        """
    )
    assert run_program(program, check=True).stdout.splitlines() == [
        "child ['of the child']",
        "child ['at the end']",
        "parent ['of the parent']",
    ]


def test_a_span_that_ends_as_the_interpreter_does_is_exported(run_program: Any) -> None:
    """No thread can be started then, so shutdown exports by itself."""
    program = textwrap.dedent(
        """
        import atexit, threading
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
        from opentelemetry.trace import SpanContext, TraceFlags

        class Ended:
            name = "late"
            context = SpanContext(1, 2, False, TraceFlags(1))

        class Printing(SpanExporter):
            def export(self, spans):
                print([span.name for span in spans], flush=True)

        processor = BatchSpanProcessor(Printing(), 100, 60000, 50)

        def late():
            processor.on_end(Ended())
            processor.shutdown()

        atexit.register(late)
        """
    )
    assert run_program(program, check=True).stdout == "['late']\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_queue_size": 0}, "max_queue_size must be a positive integer."),
        ({"schedule_delay_millis": 0}, "schedule_delay_millis must be positive."),
        ({"max_export_batch_size": -1}, "max_export_batch_size must be a positive integer."),
        (
            {"max_queue_size": 5, "max_export_batch_size": 6},
            "max_export_batch_size must be less than or equal to max_queue_size.",
        ),
        (
            {"max_queue_size": 5},
            "max_export_batch_size must be less than or equal to max_queue_size.",
        ),
    ],
)
def test_wrong_arguments_are_refused_with_the_official_text(
    arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError) as raised:
        BatchSpanProcessor(InMemorySpanExporter(), **arguments)  # type: ignore[arg-type]
    assert str(raised.value) == message


def test_sizes_and_times_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("MAX_QUEUE_SIZE", "77"),
        ("MAX_EXPORT_BATCH_SIZE", "7"),
        ("SCHEDULE_DELAY", "123"),
        ("EXPORT_TIMEOUT", "456"),
    ):
        monkeypatch.setenv(f"OTEL_BSP_{name}", value)
    processor = BatchSpanProcessor(Exporter())._batch_processor
    assert processor._max_queue_size == 77
    assert processor._max_export_batch_size == 7
    assert processor._schedule_delay == 0.123
    assert processor._export_timeout_millis == 456
    processor = BatchSpanProcessor(Exporter(), 8, 9, 3, 10)._batch_processor
    assert (processor._max_queue_size, processor._max_export_batch_size) == (8, 3)


@pytest.mark.parametrize("value", ["-5", "0", "many"])
def test_unusable_sizes_in_the_environment_are_said_and_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", value)
    assert BatchSpanProcessor(Exporter())._batch_processor._max_queue_size == 2048
    assert [record.getMessage() for record in caplog.records] == [
        f"Invalid value for OTEL_BSP_MAX_QUEUE_SIZE: {value!r}. "
        "Expected a positive integer. Using the default 2048."
    ]


def test_a_queue_smaller_than_the_batch_in_the_environment_makes_the_batch_fit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    processor = BatchSpanProcessor(Exporter())._batch_processor
    assert (processor._max_queue_size, processor._max_export_batch_size) == (100, 100)
    assert "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" in caplog.text


def test_the_exporter_can_be_had_from_the_processor() -> None:
    exporter = Exporter()
    assert BatchSpanProcessor(exporter).span_exporter is exporter
    assert SimpleSpanProcessor(exporter).span_exporter is exporter


def test_a_line_is_not_logged_twice_within_twenty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    now = 1000.0
    monkeypatch.setattr("oxitel.diagnostics.duplicate_filter.time", lambda: now)
    duplicates = DuplicateFilter()

    def passes(text: str, level: int = logging.WARNING) -> bool:
        record = logging.LogRecord("name", level, "file.py", 1, text, (), None)
        return bool(duplicates.filter(record))

    assert [passes("a"), passes("a"), passes("b"), passes("a")] == [True, False, True, True]
    assert passes("a", logging.ERROR)
    now += 20
    assert passes("a", logging.ERROR)


def test_a_flush_exports_on_the_processors_own_thread() -> None:
    threads = []

    class Noting(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            threads.append(threading.current_thread())
            return SpanExportResult.SUCCESS

    processor = BatchSpanProcessor(Noting())
    processor.on_end(ended())
    assert processor.force_flush()
    processor.shutdown()
    assert threads
    assert threads[0] is not threading.current_thread()


def test_a_timeout_that_is_no_number_is_as_if_there_were_none() -> None:
    exporter = InMemorySpanExporter()
    processor = BatchSpanProcessor(exporter)
    processor.on_end(ended())
    assert processor.force_flush("soon")  # type: ignore[arg-type]
    assert len(exporter.get_finished_spans()) == 1
    processor.shutdown()


def test_an_exporter_with_nothing_behind_it_yet_is_taken() -> None:
    class Proxy:
        """As those of werkzeug are, out of their context."""

        target: Any = None

        def __getattr__(self, name: str) -> Any:
            if self.target is None:
                raise RuntimeError("working outside of a context")
            return getattr(self.target, name)

    proxy: Any = Proxy()
    processor = BatchSpanProcessor(proxy)
    proxy.target = exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("a").start_span("span").end()
    provider.shutdown()
    assert [span.name for span in exporter.get_finished_spans()] == ["span"]
