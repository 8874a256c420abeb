"""Asynchronous instruments: callbacks, generators, failures."""

from declare import Run, program


@program()
def functions_and_generators(run: Run) -> None:
    from opentelemetry.metrics import CallbackOptions, Observation

    def generator():
        options = yield []
        for value in (1, 2):
            assert isinstance(options, CallbackOptions)
            options = yield [Observation(value, {"from": "generator"})]

    provider = run.meter_provider()
    meter = provider.get_meter("meter")
    meter.create_observable_counter(
        "counter", [generator(), lambda _: [Observation(5, {"from": "function"})]]
    )
    meter.create_observable_gauge("none")
    meter.create_observable_gauge("empty", [lambda _: []])
    for _ in range(4):
        provider.force_flush()


@program()
def failures(run: Run) -> None:
    from opentelemetry.metrics import Observation

    def broken(_):
        raise ValueError("broken")

    def half(_):
        yield Observation(1, {"half": 1})
        raise KeyError("half")

    provider = run.meter_provider()
    meter = provider.get_meter("meter")
    meter.create_observable_gauge("broken", [broken, lambda _: [Observation(2)]])
    meter.create_observable_gauge("half", [half])
    meter.create_observable_gauge("nothing", [lambda _: None])
    meter.create_observable_gauge(
        "numbers",
        [
            lambda _: [
                Observation(float("nan")),
                Observation(float("inf"), {"a": 1}),
                Observation(3),
            ]
        ],
    )
    meter.create_observable_counter("fine", [lambda _: [Observation(-4)]])


@program()
def the_context_of_a_collection(run: Run) -> None:
    from opentelemetry import context
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    def observe(_):
        return [Observation(context.get_value("amount") or 0)]

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    provider.get_meter("meter").create_observable_gauge("g", [observe])
    token = context.attach(context.set_value("amount", 7))
    data = reader.get_metrics_data()
    context.detach(token)
    metric = data.resource_metrics[0].scope_metrics[0].metrics[0]
    run.observe("value", metric.data.data_points[0].value)
    provider.shutdown()


@program()
def the_same_observed_twice(run: Run) -> None:
    from opentelemetry.metrics import Observation

    provider = run.meter_provider()
    meter = provider.get_meter("meter")
    twice = [lambda _: [Observation(1, {"a": 1}), Observation(2, {"a": 1})]]
    meter.create_observable_counter("sum", twice)
    meter.create_observable_gauge("last", twice)
    again = meter.create_observable_counter("sum", twice)
    run.observe("same", again is meter.create_observable_counter("sum"))
