"""Metric readers: what is collected reaches the exporter, in time, whatever callbacks and exporters
do."""

from __future__ import annotations

import io
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value
from opentelemetry.sdk import metrics
from opentelemetry.sdk.metrics import MetricsTimeoutError
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import DefaultAggregation, SumAggregation

from oxitel.variables import variable

DELTA, CUMULATIVE = AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE
SUCCESS, FAILURE = MetricExportResult.SUCCESS, MetricExportResult.FAILURE
LOGGER = "opentelemetry.sdk.metrics._internal.export"
NOTHING = MetricsData([])


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variable, "_said", set())


class Exporter(MetricExporter):
    """Writes down what it is called with, and does what it is told to."""

    def __init__(self, **preferences: Any) -> None:
        super().__init__(**preferences)
        self.timeouts: list[float] = []
        self.shutdowns: list[float] = []
        self.result: Any = SUCCESS
        self.flushes = True
        self.during: Callable[[], None] = lambda: None
        self.exported = threading.Event()

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        self.timeouts.append(timeout_millis)
        self.during()
        self.exported.set()
        return self.result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self.flushes

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self.shutdowns.append(timeout_millis)


Start = Callable[..., PeriodicExportingMetricReader]


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes readers that collect what `collect` returns, and shuts them down."""
    readers: list[PeriodicExportingMetricReader] = []

    def start(
        exporter: MetricExporter,
        interval_millis: float = 60_000,
        timeout_millis: float = 1_000,
        collect: Callable[..., Any] = lambda reader, timeout_millis: NOTHING,
    ) -> PeriodicExportingMetricReader:
        reader = PeriodicExportingMetricReader(exporter, interval_millis, timeout_millis)
        reader._set_collect_callback(collect)
        readers.append(reader)
        return reader

    yield start
    for reader in readers:
        if not reader._shutdown:
            reader.shutdown(1_000)


def wait_until(is_true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.005)


# What a reader asks for


def test_instruments_are_cumulative_with_default_aggregation_unless_preferred() -> None:
    reader = InMemoryMetricReader(
        {metrics.Counter: DELTA},
        {metrics.Histogram: SumAggregation()},
        {metrics.ObservableGauge: 5},
    )
    temporality = reader._instrument_class_temporality
    aggregation = reader._instrument_class_aggregation
    limit = reader._instrument_class_cardinality_limit
    assert temporality.pop(metrics.Counter) is DELTA
    assert set(temporality.values()) == {CUMULATIVE}
    assert type(aggregation.pop(metrics.Histogram)) is SumAggregation
    assert {type(value) for value in aggregation.values()} == {DefaultAggregation}
    assert limit.pop(metrics.ObservableGauge) == 5
    assert set(limit.values()) == {2000}
    assert len(temporality) == len(aggregation) == len(limit) == 6


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"preferred_temporality": {metrics.Counter: 1}}, None, ""),
        ({"preferred_temporality": {metrics.Counter: 0}}, Exception, "Invalid temporality value"),
        ({"preferred_temporality": {int: DELTA}}, Exception, "Invalid instrument class found"),
        ({"preferred_aggregation": {int: None}}, Exception, "Invalid instrument class found"),
        ({"cardinality_limits": {int: 1}}, ValueError, "Invalid instrument class found"),
        ({"cardinality_limits": {metrics.Counter: 0}}, ValueError, "must be a positive integer"),
        ({"cardinality_limits": {metrics.Counter: True}}, ValueError, "must be a positive integer"),
    ],
)
def test_what_a_reader_cannot_ask_for_is_refused(
    arguments: dict[str, Any], error: type[Exception] | None, message: str
) -> None:
    if error is None:
        InMemoryMetricReader(**arguments)
        return
    with pytest.raises(error, match=message):
        InMemoryMetricReader(**arguments)


def test_a_reader_without_a_provider_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert InMemoryMetricReader().get_metrics_data() is None
    assert "until it is registered on a MeterProvider" in caplog.text


def test_a_reader_of_the_users_receives_what_is_collected() -> None:
    class Mine(MetricReader):
        received: tuple[Any, float]

        def _receive_metrics(
            self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
        ) -> None:
            self.received = metrics_data, timeout_millis

        def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
            pass

    reader = Mine()
    reader._set_collect_callback(lambda reader, timeout_millis: NOTHING)
    reader.collect(123)
    assert reader.received == (NOTHING, 123)
    assert reader.force_flush(45) is True
    assert reader.received == (NOTHING, 45)
    reader._set_collect_callback(lambda reader, timeout_millis: None)
    reader.collect()
    assert reader.received == (NOTHING, 45)


# The console


def test_the_console_shows_metrics_as_they_are_formatted() -> None:
    output = io.StringIO()
    assert ConsoleMetricExporter(out=output).export(NOTHING) is SUCCESS
    assert output.getvalue() == NOTHING.to_json() + os.linesep
    output = io.StringIO()
    exporter = ConsoleMetricExporter(output, lambda metrics_data: "<metrics>")
    exporter.export(NOTHING)
    exporter.export(NOTHING)
    assert output.getvalue() == "<metrics><metrics>"
    assert exporter.force_flush() is True


# Exporting again and again


def test_metrics_are_exported_every_interval_and_once_more_at_the_end(start: Start) -> None:
    exporter = Exporter()
    reader = start(exporter, 20)
    wait_until(lambda: len(exporter.timeouts) >= 3)
    # What is left of the time for the export is less than all of it.
    assert all(900 < timeout < 1000 for timeout in exporter.timeouts)
    reader.shutdown()
    count = len(exporter.timeouts)
    assert count >= 4
    time.sleep(0.05)
    assert len(exporter.timeouts) == count
    assert 29_000 < exporter.shutdowns[0] < 30_000


def test_settings_come_from_the_environment_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "1234.5")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_TIMEOUT", "678")
    preferences = {"preferred_temporality": {metrics.Counter: DELTA}}
    reader = PeriodicExportingMetricReader(Exporter(**preferences))
    assert (reader._export_interval_millis, reader._export_timeout_millis) == (1234.5, 678)
    assert reader._instrument_class_temporality[metrics.Counter] is DELTA
    reader.shutdown()
    reader = PeriodicExportingMetricReader(Exporter(), 1, 2)
    assert (reader._export_interval_millis, reader._export_timeout_millis) == (1, 2)
    reader.shutdown()


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan"])
def test_unusable_times_in_the_environment_are_named(
    text: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", text)
    reader = PeriodicExportingMetricReader(Exporter())
    assert reader._export_interval_millis == 60_000
    assert f"Invalid value for OTEL_METRIC_EXPORT_INTERVAL: '{text}'" in caplog.text
    reader.shutdown()


@pytest.mark.parametrize("interval", [0, -1])
def test_an_interval_that_is_not_positive_is_refused(interval: float) -> None:
    with pytest.raises(ValueError, match="interval value"):
        PeriodicExportingMetricReader(Exporter(), interval)


def test_an_infinite_interval_means_only_when_asked_to(start: Start) -> None:
    exporter = Exporter()
    reader = start(exporter, math.inf)
    assert reader._daemon_thread is None
    reader.collect()
    assert len(exporter.timeouts) == 1
    assert reader.force_flush() is True
    assert len(exporter.timeouts) == 2
    reader.shutdown()
    assert len(exporter.timeouts) == 2
    assert len(exporter.shutdowns) == 1


def test_the_thread_is_named_and_a_daemon(start: Start) -> None:
    thread: Any = start(Exporter())._daemon_thread
    assert (thread.name, thread.daemon) == ("OtelPeriodicExportingMetricReader", True)


def test_nothing_instrumented_is_traced_while_exporting(start: Start) -> None:
    exporter = Exporter()
    seen: list[object] = []
    exporter.during = lambda: seen.append(get_value(_SUPPRESS_INSTRUMENTATION_KEY))
    reader = start(exporter)
    reader.force_flush()
    reader.collect()
    assert seen == [True, True]
    assert get_value(_SUPPRESS_INSTRUMENTATION_KEY) is None


# Surviving


def fail_with(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "error", [ValueError("v"), MetricsTimeoutError("t"), SystemExit(1), KeyboardInterrupt()]
)
def test_the_reader_survives_whatever_collecting_raises(
    error: BaseException, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = Exporter()
    reader = start(exporter, 10, collect=fail_with(error))
    wait_until(lambda: len(caplog.records) >= 2)
    assert reader.force_flush() is False
    reader._set_collect_callback(lambda reader, timeout_millis: NOTHING)
    assert exporter.exported.wait(5)
    expected = "Metric collection timed out. Will try again after 0.01 seconds"
    if not isinstance(error, MetricsTimeoutError):
        expected = "Exception while collecting metrics"
    first = caplog.records[0]
    assert (first.name, first.getMessage()) == (LOGGER, expected)
    assert first.exc_info is not None and first.exc_info[1] is error


def test_the_reader_survives_whatever_the_exporter_raises(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = Exporter()
    exporter.during = fail_with(ValueError("broken on purpose"))
    reader = start(exporter, 10)
    wait_until(lambda: len(exporter.timeouts) >= 2)
    assert "Exception while exporting metrics" in caplog.text
    exporter.during = fail_with(SystemExit())
    count = len(exporter.timeouts)
    wait_until(lambda: len(exporter.timeouts) >= count + 2)
    assert reader.force_flush() is False
    exporter.during = lambda: None
    assert reader.force_flush() is True


def test_an_interruption_of_the_programs_own_thread_is_its_own(start: Start) -> None:
    exporter = Exporter()
    exporter.during = fail_with(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        start(exporter).collect()


# Telling the truth, in time


def test_a_flush_says_whether_the_export_worked(start: Start) -> None:
    exporter = Exporter()
    reader = start(exporter)
    assert reader.force_flush() is True
    exporter.result = FAILURE
    assert reader.force_flush() is False
    exporter.result = None
    assert reader.force_flush() is True
    exporter.flushes = False
    assert reader.force_flush() is False
    reader.shutdown()
    assert reader.force_flush() is False


def test_a_flush_ends_in_time_while_the_exporter_hangs(start: Start) -> None:
    let_go = threading.Event()
    exporter = Exporter()
    exporter.during = lambda: let_go.wait(10)  # type: ignore[assignment,return-value]
    reader = start(exporter)
    before = time.monotonic()
    assert reader.force_flush(100) is False
    assert 0.09 < time.monotonic() - before < 1
    let_go.set()
    assert reader.force_flush() is True


def test_a_shutdown_ends_in_time_while_the_exporter_hangs(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    let_go = threading.Event()
    exporter = Exporter()
    exporter.during = lambda: let_go.wait(10)  # type: ignore[assignment,return-value]
    reader = start(exporter, 10)
    wait_until(lambda: exporter.timeouts)
    before = time.monotonic()
    reader.shutdown(100)
    assert 0.09 < time.monotonic() - before < 1
    assert exporter.shutdowns == [0.0]
    assert "Shutdown took too long" in caplog.text
    let_go.set()


def test_two_collections_never_export_at_once(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    let_go = threading.Event()
    exporter = Exporter()
    exporter.during = lambda: let_go.wait(10)  # type: ignore[assignment,return-value]
    reader = start(exporter, 10)
    wait_until(lambda: exporter.timeouts)
    reader.collect(timeout_millis=50)
    assert len(exporter.timeouts) == 1
    assert "Metrics are dropped: another export" in caplog.text
    let_go.set()


def test_a_flush_from_inside_the_exporter_does_not_wait_for_itself(start: Start) -> None:
    exporter = Exporter()
    results: list[bool] = []
    exporter.during = lambda: results.append(reader.force_flush(5_000))
    reader = start(exporter)
    before = time.monotonic()
    assert reader.force_flush() is True
    assert time.monotonic() - before < 1
    assert results == [False]


def test_many_may_flush_at_once(start: Start) -> None:
    exporter = Exporter()
    exporter.during = lambda: time.sleep(0.01)
    reader = start(exporter)
    results: list[bool] = []
    threads = [
        threading.Thread(target=lambda: results.append(reader.force_flush())) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert results == [True] * 10


def test_shutting_down_twice_is_said(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    exporter = Exporter()
    reader = start(exporter)
    reader.shutdown()
    assert "Can't shutdown multiple times" not in caplog.text
    reader.shutdown()
    assert "Can't shutdown multiple times" in caplog.text
    assert len(exporter.shutdowns) == 1


def test_an_exporter_whose_shutdown_takes_nothing_or_raises_is_shut_down(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    class Plain(Exporter):
        def shutdown(self) -> None:  # type: ignore[override]
            calls.append("plain")
            raise ValueError("broken on purpose")

    start(Plain()).shutdown()
    assert calls == ["plain"]
    assert "Exception while shutting down the exporter of metrics" in caplog.text


def test_no_thread_at_the_interpreters_end_means_the_callers(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    exporter = Exporter()
    reader = start(exporter)
    assert reader.force_flush() is True
    exporter.result = FAILURE
    assert reader.force_flush() is False
    reader.shutdown()
    assert len(exporter.timeouts) == 3
    assert len(exporter.shutdowns) == 1


# Forks


def in_child(check: Callable[[], bool]) -> bool:
    """Whether `check` is true in a forked child, within a minute."""
    pid = os.fork()
    if pid == 0:
        result = 1
        try:
            result = 0 if check() else 1
        finally:
            os._exit(result)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return False


@pytest.mark.fork
def test_a_forked_child_exports_on_its_own_though_the_parent_was_exporting(start: Start) -> None:
    let_go = threading.Event()
    exporter = Exporter()
    exporter.during = lambda: let_go.wait(10)  # type: ignore[assignment,return-value]
    reader = start(exporter, 10)
    wait_until(lambda: exporter.timeouts)

    def exports() -> bool:
        exporter.during = lambda: None
        exporter.timeouts.clear()
        wait_until(lambda: len(exporter.timeouts) > 1)
        return reader.force_flush(30_000) and reader._has_thread()

    assert in_child(exports)
    let_go.set()
    assert reader.force_flush() is True


@pytest.mark.fork
def test_a_reader_that_was_shut_down_stays_so_in_a_child(start: Start) -> None:
    reader = start(Exporter(), 10)
    reader.shutdown()
    assert in_child(lambda: reader._daemon_thread is None and not reader.force_flush())


def test_a_providers_flush_says_whether_all_readers_flushed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Flushing(InMemoryMetricReader):
        result: Any = True

        def force_flush(self, timeout_millis: float = 10_000) -> bool:
            if isinstance(self.result, Exception):
                raise self.result
            return self.result  # type: ignore[no-any-return]

    first, second = Flushing(), Flushing()
    provider = metrics.MeterProvider([first, second], shutdown_on_exit=False)
    assert provider.force_flush() is True
    second.result = False
    assert provider.force_flush() is False
    first.result = ValueError("broken")
    second.result = True
    assert provider.force_flush() is False
    assert "Exception while flushing Flushing" in caplog.text
    assert provider.force_flush(0) is False
    provider.shutdown()


def test_a_providers_flush_is_false_when_nobody_listens() -> None:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    exporter = OTLPMetricExporter("http://127.0.0.1:9/v1/metrics", timeout=1)
    reader = PeriodicExportingMetricReader(exporter, math.inf)
    provider = metrics.MeterProvider([reader], shutdown_on_exit=False)
    provider.get_meter("test").create_counter("c").add(1)
    assert provider.force_flush(5_000) is False
    provider.shutdown()
