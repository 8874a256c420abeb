"""What is printed: to_json, the console exporter, representations."""

import io
import sys

from declare import Run, program


def rich_span(run: Run) -> object:
    from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceState

    tracer = run.provider().get_tracer("rich", "2.0", "https://schema", {"scope": 1})
    context = SpanContext(0xAAAA, 0xBBBB, True, trace_state=TraceState([("a", "b")]))
    span = tracer.start_span(
        "rich",
        kind=SpanKind.PRODUCER,
        attributes={
            "text": 'ä\n"quoted"',
            "int": 5,
            "float": 1.0,
            "bool": True,
            "list": [1, 2],
            "map": {"a": {"b": 1}},
            "none": None,
        },
        links=[Link(context, {"link": [1.5]}), Link(context)],
        start_time=1_600_000_000_123_456_789,
    )
    span.add_event("event", {"a": 1, "b": ["x"]}, 1_600_000_001_000_000_000)
    span.add_event("bare", timestamp=1_600_000_001_999_999_999)
    span.set_status(StatusCode.ERROR, "wrong")
    return span


@program()
def a_live_span_as_json(run: Run) -> None:
    span = rich_span(run)
    run.observe("live", span.to_json())
    span.end(1_600_000_002_000_000_001)
    run.observe("ended", span.to_json())
    run.observe("indent none", span.to_json(indent=None))
    run.observe("indent 2", span.to_json(2))


@program()
def a_plain_span_as_json(run: Run) -> None:
    tracer = run.tracer()
    with tracer.start_as_current_span("parent"):
        span = tracer.start_span("plain")
        span.end()
    run.observe("json", span.to_json())


@program()
def a_readable_span_made_by_hand(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

    context = SpanContext(0xAAAA, 0xBBBB, False)
    span = ReadableSpan(
        "by hand",
        context=context,
        parent=SpanContext(0xAAAA, 0xCCCC, True),
        resource=Resource({"service.name": "hand"}),
        attributes={"a": 1},
        events=(Event("event", {"b": 2}, 5),),
        kind=SpanKind.SERVER,
        status=Status(StatusCode.OK),
        start_time=1_000_000_000,
        end_time=2_000_000_000,
    )
    run.observe("json", span.to_json())
    exporter = run.exporter()
    run.observe("result", exporter.export([span]))
    run.observe("empty batch", exporter.export([]))
    exporter.shutdown()
    bare = ReadableSpan("bare", context, resource=Resource({}))
    run.observe("bare", bare.to_json())
    run.observe("dropped", [bare.dropped_attributes, bare.dropped_events, bare.dropped_links])


@program()
def the_console_exporter(run: Run) -> None:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    provider = run.bare_provider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    tracer = provider.get_tracer("console")
    with tracer.start_as_current_span("outer", attributes={"a": "ä"}):
        with tracer.start_as_current_span("inner") as inner:
            inner.add_event("event", {"b": 1})


@program()
def the_console_exporter_with_arguments(run: Run) -> None:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    out = io.StringIO()
    exporter = ConsoleSpanExporter(
        service_name="ignored", out=out, formatter=lambda span: f"<{span.name}>"
    )
    run.observe("attributes", [exporter.service_name, exporter.out is out])
    provider = run.bare_provider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("console").start_span("formatted").end()
    run.observe("flush", exporter.force_flush())
    run.observe("written", out.getvalue())


@program()
def the_console_exporter_over_a_replaced_stdout(run: Run) -> None:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    provider = run.bare_provider()
    replaced, sys.stdout = io.StringIO(), sys.stdout
    try:
        sys.stdout, kept = replaced, sys.stdout
        provider.add_span_processor(
            SimpleSpanProcessor(ConsoleSpanExporter(formatter=lambda span: span.name))
        )
        provider.get_tracer("console").start_span("somewhere").end()
    finally:
        sys.stdout = kept
    run.observe("written to the replacement", replaced.getvalue())


@program()
def representations(run: Run) -> None:
    from opentelemetry.sdk.trace import Event, SpanLimits
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    tracer = run.tracer()
    span = tracer.start_span("shown")
    run.observe("repr", repr(span))
    run.observe("str", str(span))
    run.observe("type", [type(span).__name__, type(span).__mro__[1].__name__])
    run.observe("scope", repr(span.instrumentation_scope))
    run.observe("scope by hand", repr(InstrumentationScope("n", "1", "s", {"a": 1})))
    run.observe("limits", repr(SpanLimits(max_events=5)))
    run.observe("event", Event("e", {"a": 1}, 7))
    run.observe("resource", repr(run.bare_provider().resource))
    span.end()
    run.observe("module", type(span).__module__)
