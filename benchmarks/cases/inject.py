"""The current span's context written into a dict of headers by `opentelemetry.propagate.inject`, as
a client does it for each request: trace context and baggage, of which there is none.
"""

from measure import measure
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import TracerProvider
from pipeline import make_provider

provider = make_provider()
# Its span goes nowhere.
tracer = TracerProvider().get_tracer("benchmark")


def work(count: int) -> None:
    for _number in range(count):
        headers: dict[str, str] = {}
        inject(headers)


def empty(count: int) -> None:
    for _number in range(count):
        headers: dict[str, str] = {}
        len(headers)


with tracer.start_as_current_span("GET /orders"):
    measure(provider, work, empty, spans=0)
