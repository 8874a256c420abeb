"""Exemplars: filters, reservoirs, what they say of their measurement."""

from declare import Run, program


@program(
    variants={
        "default": {},
        "trace_based": {"OTEL_METRICS_EXEMPLAR_FILTER": "trace_based"},
        "always_on": {"OTEL_METRICS_EXEMPLAR_FILTER": "always_on"},
        "always_off": {"OTEL_METRICS_EXEMPLAR_FILTER": "always_off"},
    }
)
def filters(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.metrics.view import View
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

    provider = run.meter_provider(views=[View(instrument_name="*", attribute_keys={"kept"})])
    meter = provider.get_meter("meter")
    tracer = run.tracer()

    def measure(turn: str) -> None:
        meter.create_counter(f"c.{turn}").add(1, {"kept": 1, "other": turn})
        meter.create_up_down_counter(f"u.{turn}").add(-1.5, {"kept": 1})
        meter.create_gauge(f"g.{turn}").set(2)
        histogram = meter.create_histogram(f"h.{turn}")
        for value in (1, 7.5, 3000, 8):
            histogram.record(value, {"value": value, "kept": 2})

    measure("bare")
    with tracer.start_as_current_span("sampled"):
        measure("sampled")
    remote = NonRecordingSpan(SpanContext(0xABC, 0xDEF, True, TraceFlags(1)))
    with trace.use_span(remote):
        measure("remote")
    with trace.use_span(NonRecordingSpan(SpanContext(0xABC, 0xDEF, True, TraceFlags(0)))):
        measure("unsampled")
    meter.create_counter("given").add(1, {"x": 1}, trace.set_span_in_context(remote))
    provider.force_flush()
    meter.create_counter("given").add(1, {"x": 1})


@program()
def of_observations_and_exponential_histograms(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter
    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
    from opentelemetry.trace import NonRecordingSpan, SpanContext

    view = View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation())
    provider = run.meter_provider(exemplar_filter=AlwaysOnExemplarFilter(), views=[view])
    meter = provider.get_meter("meter")
    context = trace.set_span_in_context(NonRecordingSpan(SpanContext(0xABC, 0xDEF, True)))
    meter.create_observable_gauge("g", [lambda _: [Observation(5, {"a": 1}, context)]])
    for value in range(0, 60, 3):
        meter.create_histogram("h").record(value)


@program()
def written_in_python(run: Run) -> None:
    from opentelemetry.sdk.metrics import Exemplar, ExemplarFilter, ExemplarReservoir
    from opentelemetry.sdk.metrics.view import View

    class Even(ExemplarFilter):
        def should_sample(self, value, time_unix_nano, attributes, context):
            run.observe("asked", [value, dict(attributes or {}), type(context).__name__])
            return value % 2 == 0

    class Last(ExemplarReservoir):
        def __init__(self, **options):
            # Officially an instrument makes one more for itself, which nothing is offered to.
            assert set(options) <= {"boundaries"}
            self.last = None

        def offer(self, value, time_unix_nano, attributes, context):
            run.observe("offered", [value, dict(attributes)])
            self.last = Exemplar({"why": "last"}, value, time_unix_nano, 0xABC, 0xDEF)

        def collect(self, point_attributes):
            run.observe("collected", dict(point_attributes))
            last, self.last = self.last, None
            return [last] if last else []

    view = View(instrument_name="*", exemplar_reservoir_factory=lambda kind: Last)
    provider = run.meter_provider(exemplar_filter=Even(), views=[view])
    meter = provider.get_meter("meter")
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    for value in (1, 2, 3, 4):
        counter.add(value, {"a": 1})
        histogram.record(value, {"value": value % 2})
    provider.force_flush()
    counter.add(5, {"a": 1})
