"""Processors and exporters that change spans: the program's own recipe for what must not leave."""

from declare import Run, program


def redacting() -> object:
    from opentelemetry.sdk.trace import SpanProcessor

    class Redacting(SpanProcessor):
        def on_end(self, span):
            span._attributes = {key: "***" for key in span.attributes}
            span._name = "redacted"

    return Redacting()


@program()
def a_processor_behind_the_queue(run: Run) -> None:
    provider = run.provider()
    provider.add_span_processor(redacting())
    tracer = provider.get_tracer("t")
    tracer.start_span("secret", attributes={"password": "1234"}).end()
    with tracer.start_as_current_span("secret", attributes={"password": "1234"}):
        pass


@program()
def a_queue_in_a_processor_of_others(run: Run) -> None:
    from opentelemetry.sdk.trace import (
        ConcurrentMultiSpanProcessor,
        SpanProcessor,
        SynchronousMultiSpanProcessor,
    )
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    class Passing(SpanProcessor):
        def __init__(self, inner):
            self.inner = inner

        def on_end(self, span):
            self.inner.on_end(span)

        def shutdown(self):
            self.inner.shutdown()

    for kind in (SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor, Passing):
        provider = run.bare_provider()
        batch = BatchSpanProcessor(run.exporter())
        if kind is Passing:
            provider.add_span_processor(Passing(batch))
        else:
            multi = kind()
            multi.add_span_processor(batch)
            provider.add_span_processor(multi)
        provider.add_span_processor(redacting())
        provider.get_tracer("t").start_span("secret", attributes={"password": "1234"}).end()
        provider.shutdown()


@program()
def a_flush_while_processors_are_told(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanProcessor

    class Flushing(SpanProcessor):
        def on_end(self, span):
            run.observe("flushed", provider.force_flush())
            span._name = "too late"

    provider = run.provider()
    provider.add_span_processor(Flushing())
    for name in ("first", "second"):
        provider.get_tracer("t").start_span(name).end()


@program()
def spans_dropped_by_their_context(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

    def unsampled(context):
        return SpanContext(
            context.trace_id,
            context.span_id,
            context.is_remote,
            TraceFlags(TraceFlags.DEFAULT),
            context.trace_state,
        )

    class Start(SpanProcessor):
        def on_start(self, span, parent_context=None):
            if span._kind is SpanKind.CONSUMER:
                span._context = unsampled(span.context)

    class End(SpanProcessor):
        def on_end(self, span):
            if span.kind is SpanKind.INTERNAL:
                span._context = unsampled(span.context)
            run.observe("sampled", span.context.trace_flags.sampled)
            run.observe("same", span.get_span_context() is span.context)

    provider = run.bare_provider()
    provider.add_span_processor(Start())
    provider.add_span_processor(End())
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider.add_span_processor(BatchSpanProcessor(run.exporter()))
    tracer = provider.get_tracer("t")
    for kind in SpanKind:
        with tracer.start_as_current_span(kind.name, kind=kind) as span:
            tracer.start_span(f"child of {kind.name}", kind=SpanKind.CLIENT).end()
        late = tracer.start_span("late child", trace.set_span_in_context(span), SpanKind.CLIENT)
        run.observe("late", late.get_span_context().trace_flags.sampled)
        late.end()


@program()
def fields_assigned_to_a_live_span(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

    parent = SpanContext(5, 6, True, TraceFlags(1))

    class Assigning(SpanProcessor):
        def on_start(self, span, parent_context=None):
            span._context = SpanContext(7, 8, False, TraceFlags(1))
            span._parent = parent
            span._kind = SpanKind.SERVER
            span._start_time = 1_700_000_000_000_000_000
            span._instrumentation_scope = InstrumentationScope("mine", "2")
            span._instrumentation_info = None

    provider = run.provider()
    provider.add_span_processor(Assigning())
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("span") as span:
        with tracer.start_as_current_span("child") as child:
            run.observe("parent", child.parent == parent)
        run.observe("context", span.context)
        run.observe("current", span.get_span_context())
        run.observe("kind", span.kind)
        run.observe("start", span.start_time)
        run.observe("scope", span.instrumentation_scope.name)
        run.observe("info", span._instrumentation_info)
    span = tracer.start_span("ended")
    span._end_time = 5
    run.observe("recording", span.is_recording())
    span._end_time = None
    run.observe("recording", span.is_recording())
    span._parent = None
    span.end(1_700_000_000_000_000_001)
    run.observe("parent", span.parent)
    run.observe("end", span.end_time)


@program()
def what_a_live_span_was_made_with(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    class Noting(SpanProcessor):
        def on_end(self, span):
            run.observe("ended", span.name)

    provider = run.bare_provider(sampler=ALWAYS_ON)
    tracer = provider.get_tracer("t")
    span = tracer.start_span("span")
    run.observe("sampler", span._sampler is ALWAYS_ON)
    run.observe("limits", span._limits.max_events)
    run.observe("configuration", span._trace_config)
    run.observe("options", [span._record_exception, span._set_status_on_exception])
    span._record_exception = False
    span._set_status_on_exception = False
    span._sampler = None
    run.observe("options", [span._record_exception, span._set_status_on_exception, span._sampler])
    try:
        with span:
            raise ValueError("mine")
    except ValueError:
        run.observe("events", len(span.events))
        run.observe("status", span.status.status_code)
    span = tracer.start_span("elsewhere")
    span._span_processor = Noting()
    span.end()


@program()
def copies(run: Run) -> None:
    import copy

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter

    class Redacting(SpanExporter):
        def __init__(self, inner):
            self.inner = inner

        def export(self, spans):
            copies = []
            for span in spans:
                other = copy.copy(span)
                other._attributes = {key: "***" for key in span.attributes}
                other._name = "redacted"
                run.observe("original", [span.name, dict(span.attributes)])
                run.observe("own", isinstance(other, ReadableSpan) and other is not span)
                copies.append(other)
            return self.inner.export(copies)

        def shutdown(self):
            self.inner.shutdown()

    class Deep(Redacting):
        def export(self, spans):
            copies = [copy.deepcopy(span) for span in spans]
            for own, span in zip(copies, spans, strict=True):
                run.observe("same", own.to_json() == span.to_json())
                run.observe("shared", own._attributes is span._attributes)
                own._events._dq.clear()
                run.observe("events", [len(own.events), len(span.events)])
            return self.inner.export(copies)

    for processor in (BatchSpanProcessor, SimpleSpanProcessor):
        for kind in (Redacting, Deep):
            provider = run.bare_provider()
            provider.add_span_processor(processor(kind(run.exporter())))
            tracer = provider.get_tracer("t")
            with tracer.start_as_current_span("span", attributes={"a": 1}) as span:
                span.add_event("event", {"b": [2]})
                span.add_link(span.get_span_context(), {"c": 3})
                span.set_status(span.status.status_code)
            provider.shutdown()


@program()
def copies_of_live_spans_and_of_spans_by_hand(run: Run) -> None:
    import copy

    from opentelemetry.attributes import BoundedAttributes
    from opentelemetry.sdk.trace import ReadableSpan

    span = run.tracer().start_span("live", attributes={"a": 1})
    span.mark = "own"
    twin = copy.copy(span)
    twin._name = "twin"
    twin.set_attribute("b", 2)
    run.observe("names", [span.name, twin.name])
    run.observe("shared", span.attributes["b"])
    run.observe("mark", twin.mark)
    twin._attributes = BoundedAttributes(None, {"c": 3}, immutable=False)
    run.observe("apart", dict(span.attributes))
    twin.end()
    run.observe("live", span.is_recording())
    span.end()

    class Own(ReadableSpan):
        def __init__(self, number):
            super().__init__(name=f"own {number}", attributes={"number": number})
            self.number = number

    own = Own(5)
    for copied in (copy.copy(own), copy.deepcopy(own)):
        copied._name = "copied"
        run.observe("copied", [copied.name, copied.number, dict(copied.attributes), own.name])
        run.observe("class", type(copied) is Own)


@program()
def spans_by_their_constructor(run: Run) -> None:
    from opentelemetry.sdk.trace import Event, Span, SpanLimits, SpanProcessor, _Span
    from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags

    context = SpanContext(1, 2, False, TraceFlags(1))

    class Noting(SpanProcessor):
        def on_start(self, span, parent_context=None):
            run.observe("started", [span.name, type(span).__name__])

        def on_end(self, span):
            run.observe("ended", [span.name, dict(span.attributes), len(span.events)])

    class Own(Span):
        pass

    def ended(kind, **options):
        span = kind("span", context, **options)
        run.observe("started", span.start_time)
        span.start()
        span.set_attribute("a", "long text")
        try:
            with span:
                raise ValueError("mine")
        except ValueError:
            pass
        run.observe("status", span.status.status_code)
        run.observe("kind", span.kind)
        run.observe("links", len(span.links))
        return [event.name for event in span.events]

    for kind in (_Span, Own):
        run.attempt("plain", lambda: ended(kind))
        run.attempt("processor", lambda: ended(kind, span_processor=Noting()))
        limits = SpanLimits(max_span_attributes=1, max_events=1, max_span_attribute_length=4)
        for option in (
            {"limits": limits},
            {"sampler": None, "trace_config": None},
            {"record_exception": False},
            {"set_status_on_exception": 0},
            {"kind": SpanKind.CLIENT, "links": [Link(context, {"l": 1})]},
            {"attributes": {"x": 1, "y": 2}, "limits": limits, "events": [Event("e", {"k": 1})]},
            {"record_end_metrics": lambda: run.observe("counted", True)},
        ):
            run.attempt("options", lambda: ended(kind, **{**option, "span_processor": Noting()}))
        for options in ({"nonsense": 1}, {"name": "twice"}):
            run.attempt("refused", lambda: isinstance(kind(context=context, **options), Span))
    run.attempt("the class itself", lambda: Span("span", context))
