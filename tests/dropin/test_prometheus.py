"""The official Prometheus exporter is a metric reader: on ours it shows the same."""

from collections.abc import Callable

from dropin.conftest import API, BETA, Environment

EXPORTER = f"opentelemetry-exporter-prometheus=={BETA}"

PROGRAM = """
from prometheus_client import CollectorRegistry, REGISTRY, generate_latest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource

reader = PrometheusMetricReader()
provider = MeterProvider(
    [reader],
    resource=Resource({"service.name": "shop"}),
    views=[View(instrument_name="renamed", name="other.name", attribute_keys={"kept"})],
)
meter = provider.get_meter("scope", "1.0", "https://schema", {"a": 1})
orders = meter.create_counter("orders", "1", "Orders taken")
for _ in range(2):
    orders.add(2, {"kind": "book", "paid": True})
    orders.add(0.5, {"kind": "pen"})
    meter.create_histogram("duration", "ms").record(12, {"route": "/"})
    meter.create_up_down_counter("open").add(-1)
    meter.create_gauge("level").set(7)
    meter.create_counter("renamed").add(1, {"kept": "yes", "dropped": "no"})
meter.create_observable_gauge("temperature", [lambda _: [Observation(21.5)]], "Cel")
for _ in range(2):
    for line in generate_latest(REGISTRY).decode().splitlines():
        if "python_" not in line and "process_" not in line:
            print(line)
provider.shutdown()
"""


def test_the_prometheus_exporter_shows_the_same_on_ours(
    make_environment: Callable[..., Environment],
) -> None:
    ours = make_environment(
        *("oxitel", f"opentelemetry-api=={API}", "prometheus_client"),
        # The exporter takes names from it, and leaves it to the official SDK to require it.
        f"opentelemetry-semantic-conventions=={BETA}",
    )
    ours.install(EXPORTER, dependencies=False)
    official = make_environment(f"opentelemetry-sdk=={API}", EXPORTER)
    shown = ours.output(PROGRAM)
    assert "orders_total" in shown
    assert shown == official.output(PROGRAM)
