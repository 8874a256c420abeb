"""Links: given at the start and added, valid and not."""

from declare import Run, program


@program()
def at_the_start(run: Run) -> None:
    from opentelemetry.trace import Link, SpanContext, TraceFlags, TraceState

    tracer = run.tracer()
    with tracer.start_as_current_span("first") as first:
        pass
    state = TraceState([("vendor", "a"), ("other", "b")])
    links = [
        Link(first.get_span_context()),
        Link(first.get_span_context(), {"reason": "again", "n": 1, "list": ["a"]}),
        Link(SpanContext(0xAAAA, 0xBBBB, True, TraceFlags(1), state), {"remote": True}),
        Link(SpanContext(0xAAAA, 0xCCCC, False, TraceFlags(0)), {}),
        Link(SpanContext(0xAAAA, 0xDDDD, True, TraceFlags(0xFF))),
        Link(SpanContext(0xAAAA, 0xEEEE, True, TraceFlags(1)), None),
    ]
    span = tracer.start_span("second", links=links)
    run.observe("links", span.links)
    span.end()


@program()
def invalid_contexts(run: Run) -> None:
    from opentelemetry.trace import INVALID_SPAN_CONTEXT, Link, SpanContext, TraceState

    tracer = run.tracer()
    stateful = SpanContext(0, 0, True, trace_state=TraceState([("a", "b")]))
    links = [
        Link(INVALID_SPAN_CONTEXT),
        Link(INVALID_SPAN_CONTEXT, {"kept": 1}),
        Link(INVALID_SPAN_CONTEXT, {}),
        Link(stateful),
        Link(SpanContext(0, 5, True)),
        Link(SpanContext(5, 0, True)),
    ]
    span = tracer.start_span("invalid", links=links)
    span.add_link(INVALID_SPAN_CONTEXT)
    span.add_link(INVALID_SPAN_CONTEXT, {"added": 1})
    span.add_link(stateful)
    run.observe("links", span.links)
    run.observe("dropped", span.dropped_links)
    span.end()


@program()
def added_later(run: Run) -> None:
    from opentelemetry.trace import SpanContext

    tracer = run.tracer()
    span = tracer.start_span("later")
    span.add_link(SpanContext(0xAAAA, 0xBBBB, True), {"a": 1, "none": None, "": 2})
    span.add_link(SpanContext(0xAAAA, 0xBBBB, False))
    span.add_link(span.get_span_context(), attributes={"self": True})
    run.attempt("none", lambda: span.add_link(None))
    span.end()
    span.add_link(SpanContext(0xAAAA, 0xBBBB, True))
    run.observe("links", span.links)


@program()
def other_containers(run: Run) -> None:
    from opentelemetry.trace import Link, SpanContext

    tracer = run.tracer()
    link = Link(SpanContext(0xAAAA, 0xBBBB, True), {"a": 1})
    tracer.start_span("tuple", links=(link, link)).end()
    run.attempt("generator", lambda: tracer.start_span("gen", links=(x for x in [link])).end())
    run.attempt("none", lambda: tracer.start_span("none", links=None).end())
    run.attempt("no link", lambda: tracer.start_span("no link", links=[5]).end())
    tracer.start_span("empty", links=[]).end()


@program()
def a_link_is_shared_by_spans(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits
    from opentelemetry.trace import Link, SpanContext

    link = Link(SpanContext(0xAAAA, 0xBBBB, True), {"a": "long text", "b": 2, "c": 3})
    limited = run.tracer(span_limits=SpanLimits(max_link_attributes=2, max_attribute_length=4))
    limited.start_span("limited", links=[link]).end()
    run.tracer().start_span("whole", links=[link]).end()
