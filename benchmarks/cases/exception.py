"""An exception leaves a span, is recorded by it and caught outside; three frames deep."""

from measure import measure
from opentelemetry import trace
from pipeline import make_provider

provider = make_provider()
tracer = trace.get_tracer("benchmark", tracer_provider=provider)


def charge(amount: int) -> None:
    raise ValueError(f"card refused for {amount}")


def pay(amount: int) -> None:
    charge(amount)


def work(count: int) -> None:
    for number in range(count):
        try:
            with tracer.start_as_current_span("pay"):
                pay(number)
        except ValueError:
            pass


def empty(count: int) -> None:
    for number in range(count):
        try:
            pay(number)
        except ValueError:
            pass


measure(provider, work, empty)
