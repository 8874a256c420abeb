"""The span itself: names, kinds, events, what it tells, after its end."""

# ruff: noqa: B023  (`attempt` calls its lambda at once)

from declare import Run, program


@program()
def kinds(run: Run) -> None:
    from opentelemetry.trace import SpanKind

    tracer = run.tracer()
    for kind in SpanKind:
        tracer.start_span(kind.name, kind=kind).end()
        with tracer.start_as_current_span(f"current {kind.name}", kind=kind) as span:
            run.observe(kind.name, span.kind)
    run.attempt("none", lambda: tracer.start_span("none", kind=None).end())
    tracer.start_span("after").end()


@program()
def names(run: Run) -> None:
    tracer = run.tracer()
    span = tracer.start_span("first")
    span.update_name("second")
    run.observe("name", span.name)
    span.update_name("")
    run.observe("empty", span.name)
    span.end()
    span.update_name("late")
    run.observe("late", span.name)
    tracer.start_span("").end()
    tracer.start_span("x" * 3000).end()
    tracer.start_span(name="keyword").end()
    run.attempt("no name", lambda: tracer.start_span())


@program()
def names_that_are_no_text(run: Run) -> None:
    tracer = run.tracer()
    for name in (None, 5, b"bytes"):
        run.attempt(f"start {name}", lambda: tracer.start_span(name).end())
    tracer.start_span("whole").end()


@program()
def events(run: Run) -> None:
    span = run.tracer().start_span("events")
    span.add_event("bare")
    span.add_event("empty", {})
    span.add_event("none", None)
    span.add_event("with", {"a": 1, "b": [True], "c": {"d": "e"}})
    span.add_event(name="keywords", attributes={"k": 1}, timestamp=1_600_000_000_000_000_000)
    span.add_event("zero", timestamp=0)
    span.add_event("")
    run.observe("names", [event.name for event in span.events])
    run.attempt("no name", lambda: span.add_event())
    span.end()
    span.add_event("late")
    run.observe("count", len(span.events))


@program()
def wrong_event_arguments(run: Run) -> None:
    span = run.tracer().start_span("events")
    run.attempt("name none", lambda: span.add_event(None))
    span.end()


@program()
def after_the_end(run: Run) -> None:
    span = run.tracer().start_span("span", attributes={"a": 1})
    run.observe("recording", span.is_recording())
    span.end()
    run.observe("recording after", span.is_recording())
    span.set_attribute("late", 1)
    span.set_attributes({"late": 1, "later": 2})
    span.add_event("late")
    span.update_name("late")
    span.record_exception(ValueError("late"))
    span.add_link(span.get_span_context())
    span.end()
    span.end(5)
    run.observe("attributes", span.attributes)
    run.observe("events", len(span.events))
    with span:
        pass


@program()
def the_end_of_a_span_used_as_a_context(run: Run) -> None:
    from opentelemetry import trace

    tracer = run.tracer()
    with tracer.start_span("own") as span:
        run.observe("not current", trace.get_current_span() is span)
        run.observe("recording", span.is_recording())
    run.observe("ended", span.is_recording())


@program()
def what_a_live_span_tells(run: Run) -> None:
    tracer = run.tracer()
    with tracer.start_as_current_span("parent") as parent:
        span = tracer.start_span("span", attributes={"a": 1})
        run.observe("context", span.get_span_context())
        run.observe("context property", span.context is span.get_span_context())
        run.observe("parent", span.parent)
        run.observe("parent is", span.parent == parent.get_span_context())
        run.observe("end time", span.end_time)
        run.observe("start is set", span.start_time > 0)
        run.observe("status", span.status)
        run.observe("resource", span.resource.attributes["service.name"])
        run.observe("types", [type(span.attributes), type(span.events), type(span.links)])
        run.attempt("immutable", lambda: span.attributes.__setitem__("b", 1))
        run.attempt("unknown", lambda: span.colour)
        span.end()
    run.observe("root has no parent", parent.parent)


@program()
def users_attach_their_own_attributes(run: Run) -> None:
    span = run.tracer().start_span("span")

    def attach() -> object:
        span.mine = 5
        return span.mine

    run.attempt("attach", attach)
    span.end()


@program()
def readable_copies(run: Run) -> None:
    span = run.tracer().start_span("span", attributes={"a": 1})

    def copied() -> object:
        copy = span._readable_span()
        span.set_attribute("b", 2)
        return [copy.name, dict(copy.attributes), type(copy).__name__]

    run.attempt("copy", copied)
    span.end()


@program()
def non_recording_spans(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    tracer = run.tracer(sampler=ALWAYS_OFF)
    with tracer.start_as_current_span("dropped") as span:
        run.observe("type", type(span))
        run.observe("valid", span.get_span_context().is_valid)
        span.set_attribute("a", 1)
        span.set_attributes({"b": 2})
        span.add_event("e")
        span.update_name("n")
        span.record_exception(ValueError())
        run.observe("recording", span.is_recording())
    with tracer.start_as_current_span("a") as outer, tracer.start_as_current_span("b") as inner:
        same = outer.get_span_context().trace_id == inner.get_span_context().trace_id
        run.observe("same trace", same)


@program()
def span_contexts(run: Run) -> None:
    from opentelemetry.trace import SpanContext, TraceFlags

    context = run.tracer().start_span("span").get_span_context()
    run.observe("type", type(context))
    run.observe("flags", [type(context.trace_flags), context.trace_flags.sampled])
    run.observe("tuple", [len(context), context[2], context[5]])
    run.attempt("immutable", lambda: setattr(context, "trace_id", 5))
    copy = SpanContext(*context[:5])
    run.observe("equal", copy == context)
    run.observe("repr", repr(SpanContext(1, 2, True, TraceFlags(1))))
