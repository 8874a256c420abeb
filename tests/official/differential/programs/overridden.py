"""Methods and names that a program, or its tests, put in the place of the SDK's own."""

from unittest import mock

from declare import Run, program


def fail() -> None:
    raise ValueError("mine")


@program()
def a_class_derived_from_tracer(run: Run) -> None:
    from opentelemetry.sdk.trace import Tracer

    class Own(Tracer):
        def start_span(self, name, *args, **kwargs):
            span = super().start_span("own " + name, *args, **kwargs)
            span.set_attribute("team", "x")
            return span

    tracer = run.tracer()
    own = Own(
        tracer.sampler,
        tracer.resource,
        tracer.span_processor,
        tracer.id_generator,
        tracer.instrumentation_info,
        tracer._span_limits,
        tracer._instrumentation_scope,
    )
    own.start_span("plain").end()
    with own.start_as_current_span("current", attributes={"a": 1}, start_time=5) as span:
        run.observe("span", [span.name, dict(span.attributes), span.start_time])
        tracer.start_span("child").end()

    @own.start_as_current_span("decorated")
    def work():
        return "worked"

    @own.start_as_current_span("generated")
    def numbers():
        yield 1

    run.observe("work", work())
    run.observe("numbers", list(numbers()))
    run.attempt("error", lambda: own.start_as_current_span("failing").__call__(fail)())


@program()
def a_tracers_start_span(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import Tracer

    tracer = run.tracer()
    for target in (tracer, Tracer):
        with mock.patch.object(target, "start_span") as start_span:
            with tracer.start_as_current_span("span", record_exception=False) as span:
                run.observe("mock", span is start_span.return_value)
                run.observe("current", trace.get_current_span() is span)
            run.observe("arguments", start_span.call_args.kwargs["record_exception"])
            run.observe("names", sorted(start_span.call_args.kwargs))
            run.observe("links", start_span.call_args.kwargs["links"])
            run.observe("kind", start_span.call_args.kwargs["kind"])
            run.observe("ended", span.end.call_count)
            run.attempt("error", lambda: tracer.start_as_current_span("failing")(fail)())
            run.observe("ended", span.end.call_count)
            run.observe("recorded", span.record_exception.call_count)
        with tracer.start_as_current_span("afterwards") as span:
            run.observe("recording", span.is_recording())
    tracer.start_span = lambda **options: trace.INVALID_SPAN
    with tracer.start_as_current_span("span") as span:
        run.observe("invalid", span is trace.INVALID_SPAN)


@program()
def methods_of_spans(run: Run) -> None:
    from opentelemetry.sdk.trace import Span

    tracer = run.tracer()
    for method in ("end", "record_exception", "set_status"):
        with mock.patch.object(Span, method) as patched:
            run.attempt("class", lambda: tracer.start_as_current_span("current")(fail)())
            run.observe("called", patched.call_count)
            run.observe("arguments", len(patched.call_args.args))

            def inside() -> None:
                with tracer.start_span("with"):
                    fail()

            run.attempt("class", inside)
            run.observe("called", patched.call_count)
            run.observe("names", sorted(patched.call_args.kwargs))

        def on_the_object(enter) -> None:
            with enter() as span, mock.patch.object(span, method) as patched:
                fail()
            run.observe("called", patched.call_count)

        run.attempt("object", lambda: on_the_object(lambda: tracer.start_as_current_span("one")))
        run.attempt("object", lambda: on_the_object(lambda: tracer.start_span("other")))
        span = tracer.start_span("kept")
        setattr(span, method, mock.Mock())
        try:
            with span:
                fail()
        except ValueError:
            run.observe("called", getattr(span, method).call_count)
        delattr(span, method)
        if span.is_recording():
            span.end()


@program()
def the_clock(run: Run) -> None:
    import opentelemetry.sdk.trace as sdk_trace

    tracer = run.tracer()
    with mock.patch("opentelemetry.sdk.trace.time_ns", return_value=42):
        span = tracer.start_span("span")
        span.add_event("event")
        run.observe("start", [span.start_time, span.events[0].timestamp])
    with mock.patch.object(sdk_trace, "time_ns", side_effect=[50, 51]):
        with tracer.start_as_current_span("current") as current:
            pass
        run.observe("times", [current.start_time, current.end_time])
    span.end()
    run.observe("now", span.end_time > 1_700_000_000_000_000_000)
    original = sdk_trace.time_ns
    sdk_trace.time_ns = lambda: 7
    run.observe("assigned", tracer.start_span("assigned").start_time)
    sdk_trace.time_ns = original
    run.observe("now", tracer.start_span("now").start_time > 1_700_000_000_000_000_000)


@program()
def names_of_the_official_class(run: Run) -> None:
    from opentelemetry.sdk.trace import Event, ReadableSpan, _TracerConfig
    from opentelemetry.trace import Link, SpanContext

    provider = run.provider()
    tracer = provider.get_tracer("t")
    run.observe("configuration", tracer._tracer_config == _TracerConfig(is_enabled=True))
    tracer._tracer_config = _TracerConfig(is_enabled=False)
    run.observe("disabled", tracer.start_span("disabled").is_recording())
    tracer._tracer_config = _TracerConfig(is_enabled=True)
    span = tracer.start_span("span")
    context = SpanContext(5, 6, False)
    span._add_event(Event("event", {"a": 1}, 7))
    span._add_link(Link(context, {"b": 2}))
    run.observe("events", [event.name for event in span.events])
    run.observe("links", [link.context for link in span.links])
    for format_it, value in (
        (ReadableSpan._format_context, context),
        (ReadableSpan._format_attributes, span.attributes),
        (ReadableSpan._format_attributes, None),
        (span._format_events, span.events),
        (span._format_links, span.links),
    ):
        run.observe("formatted", format_it(value))
    span.end()
    span._add_event(Event("late"))
    span._add_link(Link(context))


@program()
def the_resource(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    class Own(TracerProvider):
        @property
        def resource(self):
            return Resource({"own": 1})

    provider = Own(resource=Resource({"given": 2}))
    provider.add_span_processor(BatchSpanProcessor(run.exporter()))
    tracer = provider.get_tracer("t")
    run.observe("resource", dict(tracer.resource.attributes))
    tracer.start_span("span").end()
    provider.shutdown()


@program(log_level="CRITICAL")
def mocks_in_the_place_of_parts(run: Run) -> None:
    from opentelemetry.sdk.trace import TracerProvider

    for arguments in (
        {"resource": mock.Mock()},
        {"resource": mock.MagicMock()},
        {"id_generator": mock.MagicMock()},
    ):
        provider = TracerProvider(shutdown_on_exit=False, **arguments)

        def work(provider=provider) -> bool:
            with provider.get_tracer("t").start_as_current_span("span") as span:
                return span.is_recording()

        if "id_generator" not in arguments:
            run.attempt("work", work)
