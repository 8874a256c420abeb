"""Three spans inside one another, each with attributes and an event."""

from measure import measure
from opentelemetry import trace
from pipeline import make_provider

provider = make_provider()
tracer = trace.get_tracer("benchmark", tracer_provider=provider)


def work(count: int) -> None:
    for number in range(count):
        with tracer.start_as_current_span("POST /orders") as request:
            request.set_attribute("http.request.method", "POST")
            request.add_event("order received", {"order.number": number})
            with tracer.start_as_current_span("reserve stock") as reserve:
                reserve.set_attribute("order.number", number)
                reserve.add_event("lock taken", {"warehouse": "north", "attempt": 1})
                with tracer.start_as_current_span("SELECT stock") as query:
                    query.set_attribute("db.system.name", "postgresql")
                    query.set_attribute("db.query.text", "SELECT amount FROM stock WHERE id = $1")
                    query.add_event("row read", {"rows": 1})


def empty(count: int) -> None:
    for _number in range(count):
        pass


measure(provider, work, empty, spans=3)
