"""The specification's throughput benchmark: ten attributes, names and values of 20 characters.

https://opentelemetry.io/docs/specs/otel/performance-benchmark/: spans created and exported by the
OTLP exporter per second of one core, received by another process that discards them.
"""

from measure import measure
from opentelemetry import trace
from pipeline import make_provider

provider = make_provider()
tracer = trace.get_tracer("benchmark", tracer_provider=provider)
ATTRIBUTES = [(f"attribute.name.{n:05}", f"attribute value {n:04}") for n in range(10)]
assert all(len(name) == len(value) == 20 for name, value in ATTRIBUTES)


def work(count: int) -> None:
    for _number in range(count):
        with tracer.start_as_current_span("specification") as span:
            for name, value in ATTRIBUTES:
                span.set_attribute(name, value)


def empty(count: int) -> None:
    for _number in range(count):
        for _name, _value in ATTRIBUTES:
            pass


measure(provider, work, empty)
