"""One span with five attributes, made current."""

from measure import measure
from opentelemetry import trace
from pipeline import make_provider

provider = make_provider()
tracer = trace.get_tracer("benchmark", tracer_provider=provider)


def work(count: int) -> None:
    for number in range(count):
        with tracer.start_as_current_span("GET /orders") as span:
            span.set_attribute("http.request.method", "GET")
            span.set_attribute("http.route", "/orders/{order_id}")
            span.set_attribute("http.response.status_code", 200)
            span.set_attribute("order.number", number)
            span.set_attribute("order.paid", True)


def empty(count: int) -> None:
    for _number in range(count):
        pass


measure(provider, work, empty)
