"""The trace state: carried from remote parents, through samplers, into spans and links."""

from declare import Run, program


def remote(state: object = None, flags: int = 1, is_remote: bool = True) -> object:
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    context = SpanContext(0xABCDEF, 0x123456, is_remote, TraceFlags(flags), state)
    return set_span_in_context(NonRecordingSpan(context))


@program()
def from_a_remote_parent(run: Run) -> None:
    from opentelemetry.trace import TraceState

    tracer = run.tracer()
    state = TraceState([("vendor", "value"), ("a@b", "x y"), ("other", "1=2")])
    with tracer.start_as_current_span("server", context=remote(state)) as span:
        run.observe("context", span.get_span_context())
        with tracer.start_as_current_span("inner") as inner:
            run.observe("inner", inner.get_span_context())
    tracer.start_span("local", context=remote(state, is_remote=False)).end()
    tracer.start_span("empty", context=remote(TraceState())).end()
    tracer.start_span("none", context=remote(None)).end()


@program()
def from_a_sampler(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
    from opentelemetry.trace import TraceState

    class Marking(Sampler):
        def should_sample(
            self,
            parent_context,
            trace_id,
            name,
            kind=None,
            attributes=None,
            links=None,
            trace_state=None,
        ):
            run.observe("given state", trace_state is None)
            state = TraceState([("sampler", name)]) if name != "none" else None
            return SamplingResult(Decision.RECORD_AND_SAMPLE, {"by": "sampler"}, state)

        def get_description(self) -> str:
            return "Marking"

    tracer = run.tracer(sampler=Marking())
    tracer.start_span("root", attributes={"lost": True}).end()
    tracer.start_span("child", context=remote(TraceState([("vendor", "v")]))).end()
    tracer.start_span("none", context=remote(TraceState([("vendor", "v")]))).end()


@program()
def through_propagation(run: Run) -> None:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    propagator = TraceContextTextMapPropagator()
    tracer = run.tracer()
    for flags in ("00", "01", "02", "03", "ff"):
        carrier = {
            "traceparent": f"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}",
            "tracestate": "a=1,b=2 , c@d=3",
        }
        with tracer.start_as_current_span(flags, context=propagator.extract(carrier)) as span:
            out: dict[str, str] = {}
            propagator.inject(out)
            run.observe(f"injected {flags}", out)
            run.observe(f"recording {flags}", span.is_recording())
    broken = {"traceparent": "00-zz-b7ad6b7169203331-01"}
    tracer.start_span("broken", context=propagator.extract(broken)).end()


@program()
def in_json(run: Run) -> None:
    from opentelemetry.trace import TraceState

    state = TraceState([("vendor", "value"), ("b", "2")])
    span = run.tracer().start_span("json", context=remote(state))
    span.end()
    run.observe("json", span.to_json())
