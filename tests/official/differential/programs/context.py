"""Which span is current: contexts given, attached, detached, wrongly detached."""

from declare import Run, program


@program(log_level="INFO")
def current_spans(run: Run) -> None:
    from opentelemetry import trace

    tracer = run.tracer()
    run.observe("none", trace.get_current_span() is trace.INVALID_SPAN)
    with tracer.start_as_current_span("outer") as outer:
        run.observe("outer", trace.get_current_span() is outer)
        with tracer.start_as_current_span("inner") as inner:
            run.observe("inner", trace.get_current_span() is inner)
        run.observe("outer again", trace.get_current_span() is outer)
        tracer.start_span("not current").end()
        run.observe("still outer", trace.get_current_span() is outer)
    run.observe("none again", trace.get_current_span() is trace.INVALID_SPAN)


@program()
def given_contexts(run: Run) -> None:
    from opentelemetry import context, trace

    tracer = run.tracer()
    with tracer.start_as_current_span("current"):
        tracer.start_span("root in spite", context=context.Context()).end()
        other = tracer.start_span("other")
        given = trace.set_span_in_context(other)
        tracer.start_span("below other", context=given).end()
        with tracer.start_as_current_span("current below other", context=given) as span:
            run.observe("current", trace.get_current_span() is span)
            tracer.start_span("leaf").end()
        other.end()
    run.attempt("wrong", lambda: tracer.start_span("wrong", context=5).end())
    run.attempt("span", lambda: tracer.start_span("a span", context=other).end())


@program()
def other_values_stay_in_the_context(run: Run) -> None:
    from opentelemetry import baggage, context, trace

    tracer = run.tracer()
    token = context.attach(baggage.set_baggage("a", "b"))
    with tracer.start_as_current_span("span"):
        run.observe("baggage", baggage.get_baggage("a"))
        with tracer.start_as_current_span(
            "inner", context=trace.set_span_in_context(trace.INVALID_SPAN, context.Context())
        ):
            run.observe("baggage in inner", baggage.get_baggage("a"))
            run.observe("context type", type(context.get_current()))
    context.detach(token)
    run.observe("after", baggage.get_baggage("a"))


@program()
def attach_and_detach(run: Run) -> None:
    from opentelemetry import context, trace

    tracer = run.tracer()
    span = tracer.start_span("attached")
    token = context.attach(trace.set_span_in_context(span))
    tracer.start_span("child").end()
    context.detach(token)
    tracer.start_span("root").end()
    context.detach(token)
    span.end()


@program()
def leaving_in_the_wrong_order(run: Run) -> None:
    from opentelemetry import trace

    tracer = run.tracer()
    first = tracer.start_as_current_span("first")
    second = tracer.start_as_current_span("second")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    run.observe("current", trace.get_current_span().is_recording())
    second.__exit__(None, None, None)
    run.observe("at last", trace.get_current_span().is_recording())


@program()
def use_span(run: Run) -> None:
    from opentelemetry import trace

    tracer = run.tracer()
    span = tracer.start_span("used")
    with trace.use_span(span):
        tracer.start_span("child").end()
    run.observe("recording", span.is_recording())
    with trace.use_span(span, end_on_exit=True):
        pass
    run.observe("ended", span.is_recording())
    for record in (True, False):
        for status in (True, False):
            span = tracer.start_span(f"{record} {status}")
            try:
                with trace.use_span(
                    span, True, record_exception=record, set_status_on_exception=status
                ):
                    raise ValueError("used")
            except ValueError:
                pass


@program()
def end_on_exit(run: Run) -> None:
    tracer = run.tracer()
    with tracer.start_as_current_span("open", end_on_exit=False) as span:
        pass
    run.observe("recording", span.is_recording())
    span.set_attribute("later", 1)
    span.end()
    try:
        with tracer.start_as_current_span("open with error", end_on_exit=False) as span:
            raise ValueError("kept open")
    except ValueError:
        run.observe("status", span.status)
    span.end()


@program()
def the_context_manager_itself(run: Run) -> None:
    from opentelemetry import trace

    tracer = run.tracer()
    manager = tracer.start_as_current_span("late start")
    run.observe("not started", trace.get_current_span() is trace.INVALID_SPAN)
    with manager as span:
        run.observe("started", span.is_recording())

    def again() -> None:
        with manager:
            pass

    run.attempt("again", again)
    run.attempt(
        "never entered", lambda: tracer.start_as_current_span("x").__exit__(None, None, None)
    )


@program()
def keyword_and_positional_arguments(run: Run) -> None:
    from opentelemetry import context, trace
    from opentelemetry.trace import Link, SpanContext, SpanKind

    tracer = run.tracer()
    link = Link(SpanContext(5, 6, True))
    empty = context.Context()
    begin = 1_600_000_000_000_000_000
    tracer.start_span("a", empty, SpanKind.CLIENT, {"a": 1}, [link], begin, True, True).end()
    with tracer.start_as_current_span(
        "b", empty, SpanKind.CLIENT, {"a": 1}, [link], begin, True, True, True
    ):
        pass
    run.attempt("unknown", lambda: tracer.start_span("x", colour="red"))
    run.attempt("unknown current", lambda: tracer.start_as_current_span("x", colour="red"))
    run.attempt("too many", lambda: tracer.start_span("x", *[None] * 9))
    run.observe("current", trace.get_current_span().is_recording())
