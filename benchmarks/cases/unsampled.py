"""A span whose remote parent was not sampled: nothing is recorded and nothing leaves."""

from measure import measure
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from pipeline import TRANSPORT, make_provider

if TRANSPORT == "noop":
    provider = make_provider()
else:
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

    provider = make_provider(sampler=ParentBased(ALWAYS_ON))
tracer = trace.get_tracer("benchmark", tracer_provider=provider)
remote = SpanContext(
    trace_id=0x0AF7651916CD43DD8448EB211C80319C,
    span_id=0xB7AD6B7169203331,
    is_remote=True,
    trace_flags=TraceFlags(TraceFlags.DEFAULT),
)
parent = trace.set_span_in_context(NonRecordingSpan(remote))


def work(count: int) -> None:
    for number in range(count):
        with tracer.start_as_current_span("GET /orders", context=parent) as span:
            span.set_attribute("http.request.method", "GET")
            span.set_attribute("http.route", "/orders/{order_id}")
            span.set_attribute("http.response.status_code", 200)
            span.set_attribute("order.number", number)
            span.set_attribute("order.paid", True)


def empty(count: int) -> None:
    for _number in range(count):
        pass


measure(provider, work, empty, spans=0)
