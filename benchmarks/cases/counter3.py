"""A counter's `add` with a fresh dict of three attributes, as the tutorial counts requests.

Twenty combinations of attributes; collected and exported once after all of them.
"""

from measure import measure
from pipeline import make_meter_provider

provider = make_meter_provider()
meter = provider.get_meter("benchmark")
requests = meter.create_counter("http.server.requests", unit="1")
STATUSES = (200, 201, 404, 500)
ROUTES = ("/orders", "/orders/{order_id}", "/customers", "/stock", "/health")


def work(count: int) -> None:
    for number in range(count):
        requests.add(
            1,
            {
                "http.method": "GET",
                "http.status_code": STATUSES[number % 4],
                "http.route": ROUTES[number % 5],
            },
        )


def empty(count: int) -> None:
    for number in range(count):
        _attributes = {
            "http.method": "GET",
            "http.status_code": STATUSES[number % 4],
            "http.route": ROUTES[number % 5],
        }


measure(provider, work, empty, spans=0, counted=1, series=20)
