"""A span started and ended by hand, never made current, with no attributes."""

from measure import measure
from opentelemetry import trace
from pipeline import make_provider

provider = make_provider()
tracer = trace.get_tracer("benchmark", tracer_provider=provider)


def work(count: int) -> None:
    for _number in range(count):
        tracer.start_span("poll").end()


def empty(count: int) -> None:
    for _number in range(count):
        pass


measure(provider, work, empty)
