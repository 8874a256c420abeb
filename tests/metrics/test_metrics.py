"""Metrics from measurements to what readers collect: limits, failures, values out of range."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from oxitel import _native

DELTA = {kind: AggregationTemporality.DELTA for kind in (Counter, Histogram, ObservableCounter)}


class Pipe:
    """A provider with an in-memory reader."""

    def __init__(self, temporality: dict[type, AggregationTemporality] | None = None) -> None:
        self.reader = InMemoryMetricReader(preferred_temporality=temporality or {})
        self.provider: MeterProvider | None = None

    def meter(self, **arguments: Any) -> Any:
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False, **arguments)
        return self.provider.get_meter("meter")

    def metrics(self) -> dict[str, Any]:
        """The data of each metric, by its name."""
        data = self.reader.get_metrics_data()
        if data is None:
            return {}
        return {
            metric.name: metric.data
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> list[Any]:
        data = self.metrics().get(name)
        return [] if data is None else list(data.data_points)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    if made.provider is not None:
        made.provider.shutdown()


def said(caplog: pytest.LogCaptureFixture, word: str) -> list[str]:
    _native.log_pending()
    return [record.getMessage() for record in caplog.records if word in record.getMessage()]


def test_beyond_the_limit_measurements_share_a_series(
    pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    counter = pipe.meter().create_counter("requests")
    for user in range(2500):
        counter.add(1, {"user": user, "method": "GET", "host": user % 3})
    counter.add(10, {"user": 7, "method": "GET", "host": 1})
    points = pipe.points("requests")
    assert len(points) == 2001
    overflow = [p for p in points if p.attributes == {"otel.metric.overflow": True}]
    assert [point.value for point in overflow] == [500]
    assert sum(point.value for point in points) == 2510
    warnings = said(caplog, "limit")
    assert len(warnings) == 1
    assert "requests" in warnings[0]
    assert "'user'" in warnings[0].replace('"', "'")


def test_views_set_the_limit(pipe: Pipe) -> None:
    view = View(instrument_name="small", aggregation_cardinality_limit=2)
    histogram = pipe.meter(views=[view]).create_histogram("small")
    for value in range(5):
        histogram.record(value, {"value": value})
    points = pipe.points("small")
    assert [point.count for point in points] == [1, 1, 3]


def test_the_limit_of_deltas_is_for_one_collection() -> None:
    pipe = Pipe(DELTA)
    view = View(instrument_name="c", aggregation_cardinality_limit=2)
    counter = pipe.meter(views=[view]).create_counter("c")
    for turn in range(3):
        before = time.time_ns()
        for user in range(2):
            counter.add(1, {"user": turn * 2 + user})
        points = pipe.points("c")
        assert [point.attributes for point in points] == [
            {"user": turn * 2},
            {"user": turn * 2 + 1},
        ]
        if turn > 1:
            # Nothing came in for those that were forgotten before.
            assert all(point.start_time_unix_nano < before for point in points)


@pytest.mark.parametrize("temporality", [{}, DELTA], ids=["totals", "increments"])
def test_sets_that_were_told_before_do_not_count_against_the_limit(
    temporality: dict[type, AggregationTemporality],
) -> None:
    pipe = Pipe(temporality)
    meter = pipe.meter()
    users = range(1500)
    meter.create_observable_counter(
        "observed", [lambda _: [Observation(1, {"user": user}) for user in users]]
    )
    counter = meter.create_counter("added")
    for _ in range(4):
        if temporality:
            for user in users:
                counter.add(1, {"user": user})
        metrics = pipe.metrics()
        assert len(metrics["observed"].data_points) == 1500
        assert len(metrics["added"].data_points) == 1500 if temporality else "added" not in metrics
        users = range(users.stop, users.stop + 1500)


def test_what_was_beyond_the_limit_has_a_series_of_its_own_when_there_is_room() -> None:
    pipe = Pipe(DELTA)
    view = View(instrument_name="c", aggregation_cardinality_limit=2)
    counter = pipe.meter(views=[view]).create_counter("c")
    for _ in range(2):
        for user in range(4):
            counter.add(1, {"user": user})
        assert [point.value for point in pipe.points("c")] == [1, 1, 2]
        counter.add(1, {"user": 3})
        assert [point.attributes for point in pipe.points("c")] == [{"user": 3}]


def test_a_series_forgotten_between_two_measurements_loses_nothing() -> None:
    pipe = Pipe(DELTA)
    view = View(instrument_name="c", aggregation_cardinality_limit=1)
    counter = pipe.meter(views=[view]).create_counter("c")
    total = 0
    for _ in range(5):
        for _ in range(3):
            counter.add(1, {"same": True})
        total += sum(point.value for point in pipe.points("c"))
    assert total == 15


def test_threads_lose_no_measurement() -> None:
    pipe = Pipe(DELTA)
    view = View(instrument_name="c", aggregation_cardinality_limit=8)
    counter = pipe.meter(views=[view]).create_counter("c")
    collected: list[int] = []
    is_over = threading.Event()

    def collect() -> None:
        while not is_over.is_set():
            collected.append(sum(point.value for point in pipe.points("c")))

    def measure(number: int) -> None:
        for turn in range(3000):
            counter.add(1, {"turn": turn % 20, "thread": number % 2})

    collector = threading.Thread(target=collect)
    collector.start()
    threads = [threading.Thread(target=measure, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    is_over.set()
    collector.join()
    collected.append(sum(point.value for point in pipe.points("c")))
    assert sum(collected) == 12000


def test_integers_beyond_64_bits_go_on_as_doubles(
    pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    meter = pipe.meter()
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    counter.add(2**63 - 1)
    counter.add(1)
    counter.add(2**70, {"big": True})
    histogram.record(10**25)
    histogram.record(10**400)
    data = pipe.reader.get_metrics_data()
    assert data is not None
    assert _native.encode_metrics(data)
    points = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert [point.value for point in points] == [2.0**63, 2.0**70]
    assert len(said(caplog, "no longer fits a 64-bit integer")) == 1
    assert len(said(caplog, "does not fit a 64-bit integer")) == 1
    assert len(said(caplog, "not finite")) == 1


def test_what_is_no_number_is_said_and_ignored(
    pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    meter = pipe.meter()
    amounts: Any = ("3", None, [], 1j, object)
    counter, gauge = meter.create_counter("c"), meter.create_gauge("g")
    for amount in amounts:
        counter.add(amount)
        gauge.set(amount)
    assert pipe.metrics() == {}
    assert len(said(caplog, "not a number")) == 10


def test_numbers_of_other_types_count() -> None:
    from decimal import Decimal
    from fractions import Fraction

    pipe = Pipe()
    counter = pipe.meter().create_counter("c")
    numbers: Any = (Decimal("0.5"), Fraction(1, 4), True)
    for number in numbers:
        counter.add(number)
    assert [point.value for point in pipe.points("c")] == [1.75]


def test_a_total_that_begins_anew_is_no_negative_delta() -> None:
    totals = iter([5, 8, 2, 3])
    pipe = Pipe(DELTA)
    meter = pipe.meter()
    meter.create_observable_counter("c", [lambda _: [Observation(next(totals))]])
    values = [pipe.points("c")[0].value for _ in range(4)]
    assert values == [5, 3, 2, 1]


def test_a_total_that_begins_anew_has_a_new_start(pipe: Pipe) -> None:
    totals = iter([5, 8, 2, 3])
    pipe.meter().create_observable_counter("c", [lambda _: [Observation(next(totals))]])
    points = [pipe.points("c")[0] for _ in range(4)]
    assert [point.value for point in points] == [5, 8, 2, 3]
    starts = [point.start_time_unix_nano for point in points]
    assert starts[0] == starts[1]
    assert starts[2] == starts[3] == points[1].time_unix_nano


def test_a_callback_that_hangs_is_left_out_and_the_others_go_on(
    pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    calls: list[str] = []

    def hang(_: object) -> list[Observation]:
        calls.append("hang")
        release.wait(30)
        return [Observation(1)]

    meter = pipe.meter()
    meter.create_observable_gauge("before", [lambda _: [Observation(1)]])
    meter.create_observable_gauge("hanging", [hang])
    meter.create_observable_gauge("after", [lambda _: [Observation(2)]])
    meter.create_counter("counter").add(1)
    collected: list[Any] = []
    pipe.reader._receive_metrics = lambda data, **_: collected.append(data)  # type: ignore[method-assign]
    for timeout in (1500, 1500, 10_000):
        start = time.monotonic()
        pipe.reader.collect(timeout_millis=timeout)
        assert time.monotonic() - start < 2.5
    for data in collected:
        names = [metric.name for metric in data.resource_metrics[0].scope_metrics[0].metrics]
        assert sorted(names) == ["after", "before", "counter"]
    assert len(collected) == 3
    assert calls == ["hang"]
    assert len(said(caplog, "hanging")) == 1
    release.set()
    time.sleep(0.1)
    pipe.reader.collect()
    names = [metric.name for metric in collected[-1].resource_metrics[0].scope_metrics[0].metrics]
    assert "hanging" in names


def test_callbacks_run_on_a_thread_of_their_own_in_the_collectors_context(pipe: Pipe) -> None:
    variable = contextvars.ContextVar("variable", default="nothing")
    seen: list[tuple[str, bool]] = []

    def look(_: object) -> list[Observation]:
        seen.append((variable.get(), threading.current_thread() is threading.main_thread()))
        return []

    pipe.meter().create_observable_gauge("g", [look])
    token = variable.set("the collector's")
    pipe.reader.collect()
    variable.reset(token)
    assert seen == [("the collector's", False)]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_a_callback_that_raises_ends_nothing(
    pipe: Pipe, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    def broken(_: object) -> list[Observation]:
        raise error

    meter = pipe.meter()
    meter.create_observable_gauge("broken", [broken, lambda _: [Observation(1)]])
    meter.create_observable_gauge("fine", [lambda _: [Observation(2)]])
    for _ in range(2):
        assert "fine" in pipe.metrics()
    assert len(said(caplog, "Callback failed for instrument broken.")) == 2


@pytest.mark.parametrize("told", [[object()], [3], [Observation("x")], 5])  # type: ignore[arg-type]
def test_what_a_callback_should_not_tell_ends_nothing(
    pipe: Pipe, caplog: pytest.LogCaptureFixture, told: Any
) -> None:
    meter = pipe.meter()
    meter.create_observable_gauge("wrong", [lambda _: told])
    meter.create_observable_gauge("fine", [lambda _: [Observation(2)]])
    assert set(pipe.metrics()) == {"fine"}
    assert len(said(caplog, "wrong")) == 1


def test_a_callback_may_measure_and_create(pipe: Pipe) -> None:
    meter = pipe.meter()
    counter = meter.create_counter("calls")

    def observe(_: object) -> list[Observation]:
        counter.add(1)
        meter.create_observable_gauge("late", [lambda _: [Observation(3)]])
        return [Observation(1)]

    meter.create_observable_gauge("g", [observe])
    pipe.metrics()
    assert [point.value for point in pipe.points("late")] == [3]
    assert [point.value for point in pipe.points("calls")] == [3]


def test_a_metric_that_cannot_be_encoded_does_not_take_others_down(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def metric(name: str, value: Any) -> Metric:
        point = NumberDataPoint({"a": 1}, 1, 2, value)
        return Metric(name, "", "", Sum([point], AggregationTemporality.DELTA, True))

    def data(*metrics: Metric) -> MetricsData:
        scope = ScopeMetrics(InstrumentationScope("s"), list(metrics), "")
        return MetricsData([ResourceMetrics(Resource({}), [scope], "")])

    fine = [metric("one", 1), metric("two", 2.5)]
    whole = _native.encode_metrics(data(fine[0], metric("broken", "text"), fine[1]))
    assert whole == _native.encode_metrics(data(*fine))
    assert len(said(caplog, "broken")) == 1


def test_records_made_by_hand_and_collected_ones_are_the_same_bytes(pipe: Pipe) -> None:
    views = [
        View(instrument_name="e", aggregation=ExponentialBucketHistogramAggregation()),
        View(instrument_name="n", aggregation=ExplicitBucketHistogramAggregation([1], False)),
    ]
    meter = pipe.meter(views=views)
    for name in ("e", "n", "h"):
        for value in (0, 1.5, 40):
            meter.create_histogram(name).record(value, {"a": [1, "x"], "b": True, "c": b"x"})
    meter.create_counter("c").add(1)
    meter.create_gauge("g").set(-1.5, {"n": {"m": None}})
    data = pipe.reader.get_metrics_data()
    assert data is not None
    native = _native.encode_metrics(data)
    records = data.resource_metrics
    assert data._native_snapshot() is None  # type: ignore[attr-defined]
    assert _native.encode_metrics(MetricsData(records)) == native
    assert MetricsData(records) == data


def test_readers_come_and_go(pipe: Pipe) -> None:
    counter = pipe.meter().create_counter("c")
    counter.add(1)
    late = InMemoryMetricReader()
    assert pipe.provider is not None
    pipe.provider.add_metric_reader(late)
    counter.add(2)
    assert [point.value for point in pipe.points("c")] == [3]
    data = late.get_metrics_data()
    assert data is not None
    assert data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0].value == 2
    pipe.provider.remove_metric_reader(late)
    counter.add(3)
    assert [point.value for point in pipe.points("c")] == [6]


def test_a_view_that_cannot_be_aggregated_raises_nothing(
    pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    views = [
        View(instrument_name="h", aggregation=ExplicitBucketHistogramAggregation([2, 1])),
        View(instrument_name="e", aggregation=ExponentialBucketHistogramAggregation(max_size=1)),
    ]
    meter = pipe.meter(views=views)
    for name in ("h", "e", "fine"):
        meter.create_histogram(name).record(1)
    assert set(pipe.metrics()) == {"fine"}
    assert len(said(caplog, "cannot be aggregated")) == 2


@pytest.mark.parametrize("broken", ["filter", "offer", "collect", "make"])
def test_broken_exemplar_code_loses_no_measurement(
    pipe: Pipe, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, ExemplarFilter

    class Reservoir:
        def __init__(self, **_: Any) -> None:
            if broken == "make":
                raise ValueError(broken)

        def offer(self, *_: Any) -> None:
            if broken == "offer":
                raise ValueError(broken)

        def collect(self, _: Any) -> list[Any]:
            raise ValueError(broken)

    class Filter(ExemplarFilter):
        def should_sample(self, *_: Any) -> bool:
            raise ValueError(broken)

    def factory(_: type) -> Callable[..., Any]:
        return Reservoir

    view = View(instrument_name="*", exemplar_reservoir_factory=factory)
    chosen = Filter() if broken == "filter" else AlwaysOnExemplarFilter()
    meter = pipe.meter(views=[view], exemplar_filter=chosen)
    counter = meter.create_counter("c")
    counter.add(1)
    counter.add(2)
    assert [(point.value, point.exemplars) for point in pipe.points("c")] == [(3, [])]
    assert [record for record in caplog.records if record.levelno == logging.ERROR]


def test_an_attribute_whose_text_measures_does_no_harm(pipe: Pipe) -> None:
    counter = pipe.meter().create_counter("c")

    class Measuring:
        def __str__(self) -> str:
            counter.add(1, {"inner": True})
            return "text"

    attributes: Any = {"outer": Measuring()}
    counter.add(1, attributes)
    found = {tuple(point.attributes.items()): point.value for point in pipe.points("c")}
    assert found == {(("outer", "text"),): 1, (("inner", True),): 1}
