"""Views, aggregations, exemplar filters and reservoirs as users write and choose them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from opentelemetry import metrics as api, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import (
    AlignedHistogramBucketExemplarReservoir,
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Counter,
    Exemplar,
    ExemplarFilter,
    ExemplarReservoir,
    Histogram,
    MeterProvider,
    SimpleFixedSizeExemplarReservoir,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics._internal.exemplar.exemplar_reservoir import (
    BucketIndexError,
    FixedSizeExemplarReservoirABC,
)
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)


def collected(
    measure: Callable[[Any], None], *views: View, **arguments: Any
) -> dict[str, list[Any]]:
    """The points of each metric, after `measure` with a meter."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], views=views, shutdown_on_exit=False, **arguments)
    measure(provider.get_meter("shop.orders", "1.2", "https://schema"))
    metrics_data = reader.get_metrics_data()
    if metrics_data is None:
        return {}
    return {
        metric.name: list(metric.data.data_points)
        for resource_metrics in metrics_data.resource_metrics
        for scope_metrics in resource_metrics.scope_metrics
        for metric in scope_metrics.metrics
    }


def one_order(meter: Any) -> None:
    meter.create_counter("Orders.taken", "{order}").add(1, {"kind": "book", "user": "u1"})


@pytest.mark.parametrize(
    ("choice", "is_chosen"),
    [
        ({"instrument_type": Counter}, True),
        ({"instrument_type": api.Counter}, True),
        ({"instrument_type": Histogram}, False),
        ({"instrument_name": "orders.TAKEN"}, True),
        ({"instrument_name": "orders.*"}, True),
        ({"instrument_name": "order?.taken"}, True),
        ({"instrument_name": "orders"}, False),
        ({"instrument_unit": "{order}"}, True),
        ({"instrument_unit": "{ORDER}"}, False),
        ({"instrument_unit": "{*}"}, True),
        ({"meter_name": "shop.orders"}, True),
        ({"meter_name": "shop.*"}, False),
        ({"meter_version": "1.2"}, True),
        ({"meter_version": "1"}, False),
        ({"meter_schema_url": "https://schema"}, True),
        ({"meter_schema_url": ""}, False),
        ({"instrument_name": "*", "meter_name": "other"}, False),
    ],
)
def test_a_view_chooses_by_all_that_it_is_given(choice: dict[str, Any], is_chosen: bool) -> None:
    points = collected(one_order, View(**choice, attribute_keys={"kind"}))
    expected = {"kind": "book"} if is_chosen else {"kind": "book", "user": "u1"}
    assert [point.attributes for point in points["orders.taken"]] == [expected]


def test_each_view_that_fits_makes_a_stream() -> None:
    points = collected(
        one_order,
        View(instrument_name="orders.taken", name="first", description="d"),
        View(instrument_name="orders.taken", name="second", aggregation=LastValueAggregation()),
        View(instrument_name="other", name="third"),
    )
    assert set(points) == {"first", "second"}


def test_a_dropped_instrument_makes_nothing() -> None:
    assert collected(one_order, View(instrument_name="*", aggregation=DropAggregation())) == {}


def test_a_view_gives_a_limit_of_series() -> None:
    def many(meter: Any) -> None:
        counter = meter.create_counter("c")
        for number in range(5):
            counter.add(1, {"number": number})

    limited = View(instrument_name="c", aggregation_cardinality_limit=3)
    points = collected(many, limited)["c"]
    assert sum(point.value for point in points) == 5
    overflow = [point for point in points if point.attributes == {"otel.metric.overflow": True}]
    assert [point.value for point in overflow] == [2]
    assert len(points) == 4


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, Exception, "Some instrument selection criteria must be provided"),
        ({"name": "n"}, Exception, "Some instrument selection criteria must be provided"),
        ({"name": "n", "instrument_name": "a*"}, Exception, "wildcard characters"),
        ({"name": "n", "instrument_name": "a?"}, Exception, "wildcard characters"),
        (
            {"instrument_name": "a", "aggregation_cardinality_limit": 0},
            ValueError,
            "must be a positive integer",
        ),
    ],
)
def test_a_view_that_means_nothing_is_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        View(**arguments)


def test_a_view_that_cannot_be_compared_is_said_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong: Any = "Counter"
    points = collected(one_order, View(instrument_type=wrong, name="wrong"))
    assert set(points) == {"orders.taken"}
    assert "View wrong cannot be compared with instruments" in caplog.text


# Exemplars


def sampled_context() -> Context:
    span_context = trace.SpanContext(0xAAAA, 0xBBBB, False, trace.TraceFlags(1))
    return trace.set_span_in_context(trace.NonRecordingSpan(span_context), Context())


def test_the_filters_say_what_their_names_say() -> None:
    arguments: Any = (1, 2, {})
    assert AlwaysOnExemplarFilter().should_sample(*arguments, Context()) is True
    assert AlwaysOffExemplarFilter().should_sample(*arguments, sampled_context()) is False
    assert TraceBasedExemplarFilter().should_sample(*arguments, sampled_context()) is True
    assert TraceBasedExemplarFilter().should_sample(*arguments, Context()) is False


def test_a_filter_of_the_users_decides() -> None:
    class Large(ExemplarFilter):
        def should_sample(
            self, value: Any, time_unix_nano: int, attributes: Any, context: Any
        ) -> bool:
            return value > 10

    def measure(meter: Any) -> None:
        histogram = meter.create_histogram("h")
        histogram.record(5, {"a": 1})
        histogram.record(50, {"a": 1})

    [point] = collected(measure, exemplar_filter=Large())["h"]
    assert [exemplar.value for exemplar in point.exemplars] == [50]


def test_an_exemplar_has_the_attributes_that_the_point_has_not() -> None:
    def measure(meter: Any) -> None:
        attributes = {"kind": "book", "user": "u1"}
        meter.create_counter("c").add(1, attributes, sampled_context())

    [point] = collected(measure, View(instrument_name="c", attribute_keys={"kind"}))["c"]
    [exemplar] = point.exemplars
    assert type(exemplar) is Exemplar
    assert exemplar.filtered_attributes == {"user": "u1"}
    assert (exemplar.value, exemplar.trace_id, exemplar.span_id) == (1, 0xAAAA, 0xBBBB)


def test_a_reservoir_of_the_users_keeps_what_it_likes() -> None:
    class First(ExemplarReservoir):
        """Keeps the first measurement of all."""

        def __init__(self, **options: Any) -> None:
            self.options = options
            self.kept: list[Exemplar] = []

        def offer(self, value: Any, time_unix_nano: int, attributes: Any, context: Any) -> None:
            if not self.kept:
                self.kept.append(Exemplar(attributes, value, time_unix_nano))

        def collect(self, point_attributes: Any) -> list[Exemplar]:
            kept, self.kept = self.kept, []
            return kept

    made: list[First] = []

    def builder(**options: Any) -> First:
        made.append(First(**options))
        return made[-1]

    asked: list[type] = []

    def factory(aggregation: type) -> Any:
        asked.append(aggregation)
        return builder

    def measure(meter: Any) -> None:
        histogram = meter.create_histogram("h")
        for value in (3, 4, 5):
            histogram.record(value)

    view = View(
        instrument_name="h",
        aggregation=ExplicitBucketHistogramAggregation((1, 2)),
        exemplar_reservoir_factory=factory,
    )
    [point] = collected(measure, view, exemplar_filter=AlwaysOnExemplarFilter())["h"]
    assert [exemplar.value for exemplar in point.exemplars] == [3]
    assert [aggregation.__name__ for aggregation in asked] == [
        "_ExplicitBucketHistogramAggregation"
    ]
    assert [tuple(reservoir.options["boundaries"]) for reservoir in made] == [(1, 2)]


def test_a_built_in_reservoir_may_be_given_a_size() -> None:
    def measure(meter: Any) -> None:
        counter = meter.create_counter("c")
        for _ in range(20):
            counter.add(1)

    view = View(
        instrument_name="c",
        exemplar_reservoir_factory=lambda _: partial(SimpleFixedSizeExemplarReservoir, size=3),
    )
    [point] = collected(measure, view, exemplar_filter=AlwaysOnExemplarFilter())["c"]
    assert len(point.exemplars) == 3


def offer(reservoir: ExemplarReservoir, *values: float) -> None:
    for value in values:
        reservoir.offer(value, 7, {"a": 1, "b": 2}, sampled_context())


def test_a_simple_reservoir_keeps_its_size_and_begins_anew() -> None:
    reservoir = SimpleFixedSizeExemplarReservoir(size=2)
    assert reservoir.collect({}) == []
    offer(reservoir, 1, 2)
    assert reservoir.collect({"a": 1}) == [
        Exemplar({"b": 2}, value, 7, 0xBBBB, 0xAAAA) for value in (1, 2)
    ]
    assert reservoir.collect({}) == []
    offer(reservoir, *range(100))
    assert len(reservoir.collect({})) == 2


def test_a_simple_reservoir_gives_all_measurements_the_same_chance() -> None:
    kept = [0] * 5
    for _ in range(2000):
        reservoir = SimpleFixedSizeExemplarReservoir()
        offer(reservoir, *range(5))
        [exemplar] = reservoir.collect({})
        kept[int(exemplar.value)] += 1
    # 400 each; six standard deviations are 107.
    assert all(293 <= count <= 507 for count in kept), kept


def test_an_aligned_reservoir_keeps_the_last_of_each_bucket() -> None:
    reservoir = AlignedHistogramBucketExemplarReservoir([0, 10])
    offer(reservoir, -1, 0, 5, 10, 11, 12)
    assert [exemplar.value for exemplar in reservoir.collect({})] == [0, 10, 12]


def test_a_subclass_of_the_fixed_reservoirs_chooses_the_place() -> None:
    class Even(FixedSizeExemplarReservoirABC):
        def _find_bucket_index(
            self, value: Any, time_unix_nano: int, attributes: Any, context: Any
        ) -> int:
            if value % 2:
                raise BucketIndexError
            return int(value)

    reservoir = Even(4)
    reservoir.offer(2, 7, None, Context())
    reservoir.offer(3, 7, None, Context())
    reservoir.offer(0, 7, None, Context())
    assert reservoir.collect(None) == [Exemplar(None, 0, 7), Exemplar(None, 2, 7)]


def test_a_sum_of_a_gauge_may_be_asked_for() -> None:
    def measure(meter: Any) -> None:
        gauge = meter.create_gauge("g")
        gauge.set(2)
        gauge.set(3)

    points = collected(measure, View(instrument_name="g", aggregation=SumAggregation()))
    assert [point.value for point in points["g"]] == [5]
