"""Providers and tracers: names, scopes, the global provider, being disabled."""

from declare import Run, program


@program()
def names_and_scopes(run: Run) -> None:
    provider = run.provider()
    tracers = {
        "name": provider.get_tracer("name"),
        "version": provider.get_tracer("name", "1.0"),
        "schema": provider.get_tracer("name", "1.0", "https://schema"),
        "attributes": provider.get_tracer("name", "1.0", "https://schema", {"a": 1}),
        "empty": provider.get_tracer(""),
        "empty version": provider.get_tracer("name", ""),
        "none version": provider.get_tracer("name", None),
        "none": provider.get_tracer(None),
        "keywords": provider.get_tracer(
            instrumenting_module_name="kw", instrumenting_library_version="2"
        ),
    }
    for name, tracer in tracers.items():
        tracer.start_span(name).end()
        run.observe(name, repr(tracer.start_span("shown").instrumentation_scope))
    run.observe("same", provider.get_tracer("name") is tracers["name"])
    run.observe(
        "same attributes",
        provider.get_tracer("name", "1.0", "https://schema", {"a": 1}) is tracers["attributes"],
    )
    run.observe("other", provider.get_tracer("other") is tracers["name"])
    run.attempt("no name", lambda: provider.get_tracer())


@program()
def attributes_of_a_tracer(run: Run) -> None:
    provider = run.provider()
    tracer = provider.get_tracer("name", "1.0")
    run.observe("resource", tracer.resource is provider.resource)
    run.observe("sampler", tracer.sampler is provider.sampler)
    run.observe("ids", tracer.id_generator is provider.id_generator)
    run.observe("info", repr(tracer.instrumentation_info))
    run.attempt("scope", lambda: tracer.instrumentation_scope)


@program()
def the_global_provider(run: Run) -> None:
    from opentelemetry import trace

    early = trace.get_tracer("early", "0.1", schema_url="https://schema", attributes={"a": 1})
    span = early.start_span("before")
    run.observe("before", span.is_recording())
    span.end()
    provider = run.provider()
    trace.set_tracer_provider(provider)
    run.observe("same", trace.get_tracer_provider() is provider)
    with early.start_as_current_span("through the proxy"):
        with trace.get_tracer("late").start_as_current_span("direct") as inner:
            run.observe("current", trace.get_current_span() is inner)
    trace.set_tracer_provider(run.bare_provider())
    run.observe("still the same", trace.get_tracer_provider() is provider)


@program(env={"OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider"})
def the_provider_by_variable(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    provider = trace.get_tracer_provider()
    run.observe("type", isinstance(provider, TracerProvider))
    run.observe("span", trace.get_tracer("t").start_span("s").is_recording())


@program(
    variants={
        "true": {"OTEL_SDK_DISABLED": "true"},
        "capitals": {"OTEL_SDK_DISABLED": "TRUE"},
        "spaces": {"OTEL_SDK_DISABLED": " true "},
        "one": {"OTEL_SDK_DISABLED": "1"},
        "false": {"OTEL_SDK_DISABLED": "false"},
        "empty": {"OTEL_SDK_DISABLED": ""},
        "nonsense": {"OTEL_SDK_DISABLED": "perhaps"},
    }
)
def disabled_by_variable(run: Run) -> None:
    provider = run.provider()
    tracer = provider.get_tracer("t")
    run.observe("type", type(tracer))
    with tracer.start_as_current_span("span") as span:
        run.observe("recording", span.is_recording())


@program()
def wrong_arguments(run: Run) -> None:
    from opentelemetry.sdk.trace import TracerProvider

    run.attempt("unknown", lambda: TracerProvider(colour="red"))
    run.attempt(
        "positional", lambda: TracerProvider(None, None, False, None, None, None).resource is None
    )
    provider = TracerProvider(shutdown_on_exit=False)
    run.attempt("processor none", lambda: provider.add_span_processor(None))


@program()
def direct_construction(run: Run) -> None:
    from opentelemetry.sdk.trace import Span

    run.attempt("span", lambda: Span("name", None))


@program()
def types_and_ancestors(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import ReadableSpan, Span, Tracer, TracerProvider

    tracer = run.tracer()
    with tracer.start_as_current_span("span") as span:
        run.observe(
            "span",
            [isinstance(span, kind) for kind in (trace.Span, Span, ReadableSpan)],
        )
    run.observe("tracer", [isinstance(tracer, kind) for kind in (trace.Tracer, Tracer)])
    run.observe("provider", issubclass(TracerProvider, trace.TracerProvider))


@program()
def subclasses(run: Run) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    class Mine(TracerProvider):
        def __init__(self, **arguments: object) -> None:
            super().__init__(**arguments)
            self.mine = True

        def get_tracer(self, name: str, *arguments: object, **named: object) -> object:
            return super().get_tracer("mine." + name, *arguments, **named)

    provider = Mine()
    provider.add_span_processor(BatchSpanProcessor(run.exporter()))
    provider.get_tracer("t").start_span("span").end()
    provider.shutdown()
