"""Views: what they choose and what they change."""

from declare import Run, program


def measure(provider: object) -> None:
    meter = provider.get_meter("shop", "1", "https://schema")
    orders = meter.create_counter("orders", "{order}", "Orders")
    items = meter.create_counter("order.items", "{item}", "Items")
    duration = meter.create_histogram("duration", "ms", "Duration")
    for route, code in (("/a", 200), ("/a", 500), ("/b", 200)):
        attributes = {"route": route, "code": code, "user": "u"}
        orders.add(1, attributes)
        items.add(2, attributes)
        duration.record(code, attributes)


@program()
def renamed_filtered_and_dropped(run: Run) -> None:
    from opentelemetry.sdk.metrics.view import DropAggregation, View

    provider = run.meter_provider(
        views=[
            View(
                instrument_name="orders",
                name="renamed",
                description="new",
                attribute_keys={"route"},
            ),
            View(instrument_name="order.*", aggregation=DropAggregation()),
            View(instrument_name="DURATION", attribute_keys=set()),
        ]
    )
    measure(provider)


@program()
def several_on_one_instrument(run: Run) -> None:
    from opentelemetry.sdk.metrics import Histogram
    from opentelemetry.sdk.metrics.view import (
        ExplicitBucketHistogramAggregation,
        LastValueAggregation,
        SumAggregation,
        View,
    )

    provider = run.meter_provider(
        views=[
            View(instrument_type=Histogram, name="total", aggregation=SumAggregation()),
            View(instrument_name="duration", name="last", aggregation=LastValueAggregation()),
            View(
                instrument_unit="m?",
                attribute_keys={"code", "absent"},
                aggregation=ExplicitBucketHistogramAggregation([250], record_min_max=True),
            ),
            View(meter_name="other", aggregation=SumAggregation()),
            View(meter_name="shop", meter_version="2", name="never"),
        ]
    )
    measure(provider)


@program()
def everything_by_its_meter(run: Run) -> None:
    from opentelemetry.sdk.metrics.view import View

    view = View(meter_name="shop", meter_version="1", meter_schema_url="https://schema")
    measure(run.meter_provider(views=[view, View(instrument_name="*", attribute_keys={"code"})]))


@program()
def nothing_but_what_is_asked_for(run: Run) -> None:
    from opentelemetry.sdk.metrics.view import DropAggregation, View

    views = [
        View(instrument_name="*", aggregation=DropAggregation()),
        View(instrument_name="orders"),
    ]
    measure(run.meter_provider(views=views))


@program()
def wrong_ones(run: Run) -> None:
    from opentelemetry.sdk.metrics.view import View

    run.attempt("no criteria", lambda: View(name="x"))
    run.attempt("name for a pattern", lambda: View(instrument_name="a*", name="x"))


@program()
def a_histogram_of_totals(run: Run) -> None:
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.metrics.view import (
        ExplicitBucketHistogramAggregation,
        SumAggregation,
        View,
    )

    provider = run.meter_provider(
        views=[
            View(instrument_name="sum", aggregation=SumAggregation()),
            View(instrument_name="filtered", attribute_keys={"kept"}),
        ],
        aggregation=None,
    )
    meter = provider.get_meter("meter")
    meter.create_observable_gauge("sum", [lambda _: [Observation(1), Observation(2)]])
    meter.create_observable_counter(
        "filtered",
        [
            lambda _: [
                Observation(1, {"kept": 1, "a": 1}),
                Observation(2, {"kept": 1, "a": 2}),
            ]
        ],
    )
    run.observe("kind", ExplicitBucketHistogramAggregation.__name__)
