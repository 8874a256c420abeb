"""A histogram's `record` with a fresh dict of two attributes and a sampled span current.

With the default exemplar filter every one of them is offered to the reservoir. Five combinations
of attributes; collected and exported once after all of them.
"""

from measure import measure
from opentelemetry import trace
from pipeline import TRANSPORT, make_meter_provider

provider = make_meter_provider()
meter = provider.get_meter("benchmark")
duration = meter.create_histogram("http.server.duration", unit="ms")
ROUTES = ("/orders", "/orders/{order_id}", "/customers", "/stock", "/health")
if TRANSPORT == "noop":
    tracer: trace.Tracer = trace.NoOpTracer()
else:
    from opentelemetry.sdk.trace import TracerProvider

    # Without a processor: the span is there for its ids.
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("benchmark")


def work(count: int) -> None:
    with tracer.start_as_current_span("GET /orders"):
        for number in range(count):
            duration.record(
                number % 1000 / 4, {"http.method": "GET", "http.route": ROUTES[number % 5]}
            )


def empty(count: int) -> None:
    with tracer.start_as_current_span("GET /orders"):
        for number in range(count):
            _attributes = (
                number % 1000 / 4,
                {"http.method": "GET", "http.route": ROUTES[number % 5]},
            )


# One exemplar for each of seven buckets, of each series; and for the only value of zero.
measure(provider, work, empty, spans=0, counted=1, series=5, exemplars=5 * 7 + 1)
