"""What goes beyond: many series, large integers, amounts that are none."""

from declare import Run, program


@program()
def many_series(run: Run) -> None:
    provider = run.meter_provider()
    counter = provider.get_meter("meter").create_counter("requests")
    for user in range(2003):
        counter.add(1, {"user": user})


@program()
def integers_beyond_64_bits(run: Run) -> None:
    provider = run.meter_provider()
    meter = provider.get_meter("meter")
    meter.create_counter("large").add(2**63 - 1)
    meter.create_counter("large").add(1)
    meter.create_counter("fine").add(1)
    provider.force_flush()


@program()
def amounts_that_are_no_numbers(run: Run) -> None:
    meter = run.meter_provider().get_meter("meter")
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    run.attempt("text", lambda: counter.add("1"))
    run.attempt("none", lambda: histogram.record(None))
    run.attempt("too large", lambda: counter.add(10**400))
    counter.add(1)


@program()
def bounds_that_are_wrong(run: Run) -> None:
    from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

    wrong = ExplicitBucketHistogramAggregation([2, 1])
    provider = run.meter_provider(views=[View(instrument_name="wrong", aggregation=wrong)])
    meter = provider.get_meter("meter")
    run.attempt("record", lambda: meter.create_histogram("wrong").record(1))
    meter.create_histogram("fine").record(1)
