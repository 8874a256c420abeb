"""Temporality, histograms of both kinds, last values: what becomes of measurements over several
collections."""

from declare import Run, program


def temporality(name: str) -> dict[type, object]:
    from opentelemetry.sdk import metrics
    from opentelemetry.sdk.metrics.export import AggregationTemporality

    wanted = AggregationTemporality[name]
    return {
        getattr(metrics, kind): wanted
        for kind in (
            "Counter",
            "UpDownCounter",
            "Histogram",
            "ObservableCounter",
            "ObservableUpDownCounter",
            "ObservableGauge",
        )
    }


def several_collections(run: Run, name: str) -> None:
    from opentelemetry.metrics import Observation

    totals = iter(range(5, 100, 7))
    provider = run.meter_provider(temporality=temporality(name))
    meter = provider.get_meter("meter")
    counter = meter.create_counter("counter")
    up_down = meter.create_up_down_counter("up_down")
    histogram = meter.create_histogram("histogram")
    gauge = meter.create_gauge("gauge")

    def observe(_: object) -> list[object]:
        total = next(totals)
        return [Observation(total, {"all": True}), Observation(total * 2)][: 1 + total % 2]

    meter.create_observable_counter("o.counter", [observe])
    meter.create_observable_up_down_counter("o.up_down", [observe])
    meter.create_observable_gauge("o.gauge", [observe])
    for turn in range(4):
        if turn != 2:
            counter.add(turn + 1, {"turn": turn % 2})
            counter.add(0.1, {"float": True})
            up_down.add(-turn)
            histogram.record(turn * 30, {"turn": turn % 2})
            gauge.set(turn)
        provider.force_flush()


@program()
def cumulative_over_several_collections(run: Run) -> None:
    several_collections(run, "CUMULATIVE")


@program()
def delta_over_several_collections(run: Run) -> None:
    several_collections(run, "DELTA")


@program(
    variants={
        "delta": {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"},
        "lowmemory": {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "LowMemory"},
        "cumulative": {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "cumulative"},
    }
)
def temporality_by_the_environment(run: Run) -> None:
    from opentelemetry.metrics import Observation

    provider = run.meter_provider()
    meter = provider.get_meter("meter")
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    up_down = meter.create_up_down_counter("u")
    meter.create_observable_counter("o", [lambda _: [Observation(3)]])
    for _ in range(2):
        counter.add(1)
        histogram.record(1)
        up_down.add(1)
        provider.force_flush()


@program(
    variants={
        "exponential": {
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": (
                "base2_exponential_bucket_histogram"
            )
        },
    }
)
def histograms_by_the_environment(run: Run) -> None:
    histogram = run.meter_provider().get_meter("meter").create_histogram("h")
    for value in (1, 2.5, 1000):
        histogram.record(value)


@program()
def bounds_of_histograms(run: Run) -> None:
    from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

    views = [
        View(instrument_name="ints", aggregation=ExplicitBucketHistogramAggregation([1, 2, 3])),
        View(instrument_name="none", aggregation=ExplicitBucketHistogramAggregation([])),
        View(instrument_name="one", aggregation=ExplicitBucketHistogramAggregation((0.5,))),
    ]
    provider = run.meter_provider(views=views)
    meter = provider.get_meter("meter")
    advised = meter.create_histogram("advised", explicit_bucket_boundaries_advisory=[0.1, 1, 10])
    histograms = [meter.create_histogram(name) for name in ("ints", "none", "one", "default")]
    for value in (0, 0.1, 0.5, 1, 2.0, 3, 3.1, 10, 10001, 5):
        for histogram in (advised, *histograms):
            histogram.record(value)


def random_values(run: Run, name: str, seed: int, **options: int) -> None:
    import random

    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

    aggregation = ExponentialBucketHistogramAggregation(**options)
    provider = run.meter_provider(
        temporality=temporality(name),
        views=[View(instrument_name="*", aggregation=aggregation)],
    )
    meter = provider.get_meter("meter")
    histogram = meter.create_histogram("histogram")
    up_down = meter.create_up_down_counter("signed")
    chance = random.Random(seed)
    for turn in range(12):
        kind = chance.randrange(5)
        for _ in range(chance.choice((0, 1, 2, 30, 300))):
            value = (
                chance.lognormvariate(0, 3),
                chance.random(),
                chance.randrange(0, 100),
                2.0 ** chance.randrange(-5, 20),
                chance.uniform(99, 101),
            )[kind]
            histogram.record(value, {"turn": turn % 3})
            up_down.add(value * chance.choice((-1, 1, 0)), {"turn": turn % 2})
        provider.force_flush()


@program()
def exponential_cumulative(run: Run) -> None:
    random_values(run, "CUMULATIVE", 1)


@program()
def exponential_delta(run: Run) -> None:
    random_values(run, "DELTA", 2)


@program()
def exponential_small_cumulative(run: Run) -> None:
    random_values(run, "CUMULATIVE", 3, max_size=4)


@program()
def exponential_small_delta(run: Run) -> None:
    random_values(run, "DELTA", 4, max_size=2, max_scale=3)


@program()
def exponential_coarse(run: Run) -> None:
    random_values(run, "CUMULATIVE", 5, max_size=20, max_scale=-2)


@program()
def exponential_extremes(run: Run) -> None:
    import sys

    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

    view = View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation())
    provider = run.meter_provider(views=[view])
    meter = provider.get_meter("meter")
    for index, values in enumerate(
        (
            (0,),
            (0, 0.0, 1),
            (1, 0),
            (sys.float_info.max, sys.float_info.min),
            (5e-324,),
            (1, 2, 4, 8, 16),
            (1e300, 1e-300),
        )
    ):
        for value in values:
            meter.create_histogram(f"h{index}").record(value)
    provider.force_flush()
    meter.create_histogram("h0").record(7)
    meter.create_histogram("h5").record(1e-9)


@program()
def aggregations_for_other_instruments(run: Run) -> None:
    from opentelemetry.sdk.metrics import Counter, Histogram, UpDownCounter
    from opentelemetry.sdk.metrics.view import (
        ExplicitBucketHistogramAggregation,
        LastValueAggregation,
        SumAggregation,
    )

    provider = run.meter_provider(
        aggregation={
            Counter: LastValueAggregation(),
            Histogram: SumAggregation(),
            UpDownCounter: ExplicitBucketHistogramAggregation([-1, 1]),
        }
    )
    meter = provider.get_meter("meter")
    for _ in range(2):
        for value in (3, 1, 2):
            meter.create_counter("c").add(value)
            meter.create_histogram("h").record(value)
            meter.create_up_down_counter("u").add(value - 2)
        provider.force_flush()


@program()
def totals_that_begin_anew(run: Run) -> None:
    from opentelemetry.metrics import Observation

    totals = {name: iter((5, 8, 2, 3)) for name in ("DELTA", "CUMULATIVE")}
    for name in totals:
        provider = run.meter_provider(temporality=temporality(name))

        def observe(_: object, name: str = name) -> list[object]:
            return [Observation(next(totals[name]))]

        meter = provider.get_meter(name)
        meter.create_observable_counter("total", [observe])
        for _ in range(3):
            provider.force_flush()


@program()
def extremes_that_are_not_recorded(run: Run) -> None:
    from opentelemetry.sdk.metrics.view import (
        ExplicitBucketHistogramAggregation,
        ExponentialBucketHistogramAggregation,
        View,
    )

    provider = run.meter_provider(
        views=[
            View(instrument_name="e", aggregation=ExplicitBucketHistogramAggregation([1], False)),
            View(
                instrument_name="x",
                aggregation=ExponentialBucketHistogramAggregation(record_min_max=False),
            ),
        ]
    )
    meter = provider.get_meter("meter")
    meter.create_histogram("e").record(1)
    meter.create_histogram("x").record(1)
