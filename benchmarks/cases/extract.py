"""The context of a request's `traceparent` and `tracestate` headers, read from a dict by
`opentelemetry.propagate.extract`, as a server does it for each request.
"""

from measure import measure
from opentelemetry.propagate import extract
from pipeline import make_provider

provider = make_provider()
HEADERS = {
    "host": "orders.example.com",
    "user-agent": "python-requests/2.34",
    "accept": "application/json",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
}


def work(count: int) -> None:
    for _number in range(count):
        extract(HEADERS)


def empty(count: int) -> None:
    for _number in range(count):
        len(HEADERS)


measure(provider, work, empty, spans=0)
