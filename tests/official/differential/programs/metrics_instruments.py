"""Instruments: their kinds, names, units and amounts, and the attributes of measurements."""

from declare import Run, program

ATTRIBUTES = {"http.method": "GET", "http.status_code": 200, "http.route": "/orders"}


@program()
def every_kind(run: Run) -> None:
    from opentelemetry.metrics import Observation

    provider = run.meter_provider()
    meter = provider.get_meter("shop", "1.2", "https://schema", {"scope": True})
    counter = meter.create_counter("orders", "{order}", "Orders taken")
    up_down = meter.create_up_down_counter("open", "{order}", "Orders not yet sent")
    histogram = meter.create_histogram("duration", "ms", "How long orders take")
    gauge = meter.create_gauge("temperature", "Cel", "How warm it is")
    meter.create_observable_counter("cpu", [lambda _: [Observation(7, {"core": 1})]], "s", "CPU")
    meter.create_observable_up_down_counter("size", [lambda _: [Observation(-3)]], "By", "Size")
    meter.create_observable_gauge("load", [lambda _: [Observation(0.5)]], "1", "Load")
    for amount in (1, 2, 3.5):
        counter.add(amount, ATTRIBUTES)
        up_down.add(-amount, ATTRIBUTES)
        histogram.record(amount * 100, ATTRIBUTES)
        gauge.set(-amount, ATTRIBUTES)
    provider.force_flush()
    counter.add(1)
    provider.force_flush()


@program()
def several_meters_in_the_order_of_their_first_measurement(run: Run) -> None:
    provider = run.meter_provider()
    first, second = provider.get_meter("first"), provider.get_meter("second", "2")
    late = first.create_counter("late")
    never = first.create_counter("never")
    early = second.create_counter("early")
    middle = first.create_up_down_counter("middle")
    for counter in (early, middle, late):
        counter.add(1)
    run.observe("same meter", provider.get_meter("first") is first)
    run.observe("enabled", [type(never).__name__, type(early).__name__])


@program()
def amounts_that_are_refused(run: Run) -> None:
    provider = run.meter_provider()
    meter = provider.get_meter("meter")
    counter = meter.create_counter("Counter")
    up_down = meter.create_up_down_counter("UpDown")
    histogram = meter.create_histogram("Histogram")
    gauge = meter.create_gauge("Gauge")
    for amount in (-1, -0.5, float("nan"), float("inf"), float("-inf"), True, 0, -0.0):
        counter.add(amount)
        up_down.add(amount)
        histogram.record(amount)
        gauge.set(amount)


@program()
def names_and_units(run: Run) -> None:
    meter = run.meter_provider().get_meter("meter")
    for name in ("", "1a", "a b", "é", "a" * 255, "a" * 256, "A.b-c/d_1", "x"):
        counter = run.attempt(
            f"name {name[:9]}", lambda name=name: type(meter.create_counter(name))
        )
        run.observe("type", counter)
    for unit in ("", "u" * 63, "u" * 64, "é", "{Thing}/s"):
        run.attempt(f"unit {unit[:9]}", lambda unit=unit: type(meter.create_gauge("g", unit)))
    made = meter.create_counter("Mixed.CASE", "s", "d")
    made.add(1)
    run.observe("kept", [made.name, made.unit, made.description])


@program()
def the_same_instrument_again(run: Run) -> None:
    meter = run.meter_provider().get_meter("meter")
    one = meter.create_counter("c", "s", "d")
    run.observe("same", meter.create_counter("C", "s", "d") is one)
    other = meter.create_counter("c", "ms", "d")
    run.observe("other unit", other is one)
    third = meter.create_counter("c", "s", "other")
    run.observe("other description", third is one)
    histogram = meter.create_histogram("c", "s", "d")
    run.observe("other kind", histogram is one)
    for instrument in (one, other, third):
        instrument.add(1)
    histogram.record(1)
    meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1, 2]).record(1.5)
    meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1, 3]).record(2.5)
    meter.create_histogram("i", explicit_bucket_boundaries_advisory=["a"]).record(2.5)


@program()
def kinds_of_attributes(run: Run) -> None:
    provider = run.meter_provider()
    counter = provider.get_meter("meter").create_counter("c")
    for value in (True, 1, 1.0, "1", b"1", None, (1, 2), [1, 2], [True], {"a": 1, "b": [2]}, 2**40):
        counter.add(1, {"value": value})
        counter.add(1, {"value": value, "more": value})
        counter.add(1, {"more": value, "value": value})
    counter.add(1, {})
    counter.add(1, None)
    counter.add(1)


@program()
def attributes_that_are_wrong(run: Run) -> None:
    class Own:
        def __str__(self) -> str:
            return "own text"

    counter = run.meter_provider().get_meter("meter").create_counter("c")
    counter.add(1, {"": 1, "kept": 1})
    counter.add(2, {3: 1, "kept": 1})
    counter.add(3, {"own": Own()})
    counter.add(4, [("a", 1)])
    counter.add(5, "text")


@program()
def attributes_are_read_when_measured(run: Run) -> None:
    provider = run.meter_provider()
    counter = provider.get_meter("meter").create_counter("c")
    attributes = {"a": 1, "list": [1]}
    counter.add(1, attributes)
    attributes["a"] = 2
    counter.add(10, attributes)
    attributes["list"].append(2)
    counter.add(100, attributes)


@program()
def a_disabled_sdk(run: Run) -> None:
    import os

    os.environ["OTEL_SDK_DISABLED"] = " True "
    meter = run.meter_provider().get_meter("meter")
    run.observe("meter", type(meter).__name__)
    meter.create_counter("c").add(1)


@program()
def after_shutdown(run: Run) -> None:
    from opentelemetry.sdk.metrics import MeterProvider

    provider = MeterProvider(shutdown_on_exit=False)
    counter = provider.get_meter("meter").create_counter("c")
    provider.shutdown()
    counter.add(1)
    provider.shutdown()
    run.observe("meter", type(provider.get_meter("late")).__name__)
    run.observe("no name", type(MeterProvider().get_meter("")).__name__)


@program()
def a_meter_configurator(run: Run) -> None:
    from opentelemetry.sdk.metrics._internal import _MeterConfig

    provider = run.meter_provider(
        _meter_configurator=lambda scope: _MeterConfig(scope.name != "off")
    )
    off = provider.get_meter("off").create_counter("c")
    on = provider.get_meter("on").create_counter("c")
    off.add(1)
    on.add(1)
    provider.force_flush()
    provider._set_meter_configurator(
        meter_configurator=lambda scope: _MeterConfig(scope.name == "off")
    )
    off.add(1)
    on.add(1)
