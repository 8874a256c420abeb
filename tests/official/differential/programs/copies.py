"""Copies and pickles of what the SDK gives: what can be copied officially, and what comes of it."""

import copy
import pickle

from declare import Run, program

WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
}


def ways_of(run: Run, values) -> None:
    """Which ways of copying each value takes."""
    for name, value in values.items():
        for way, make in WAYS.items():
            try:
                copied = make(value)
            except (TypeError, ValueError, AttributeError, pickle.PicklingError):
                run.observe(f"{way} of {name}", "cannot be")
            else:
                run.observe(f"{way} of {name}", isinstance(copied, type(value)))


@program()
def of_tracing(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider, sampling
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter
    from opentelemetry.trace import NonRecordingSpan

    provider = run.provider()
    tracer = provider.get_tracer("copies", "1.0")
    span = tracer.start_span("span", attributes={"a": 1})
    ways_of(
        run,
        {
            "provider": provider,
            "processors": provider._active_span_processor,
            "tracer": tracer,
            "context": span.get_span_context(),
            "scope": tracer._instrumentation_scope,
            "resource": provider.resource,
            "limits": SpanLimits(),
            "sampler": sampling.ParentBased(sampling.TraceIdRatioBased(0.5)),
            "otlp exporter": run.exporter(),
            "console exporter": ConsoleSpanExporter(),
        },
    )
    twin = copy.copy(tracer)
    run.observe("other", twin is not tracer)
    twin.start_span("by the copy").end()
    twin.start_span("its child", attributes={"b": 2}).end()
    span.end()

    left_out = TracerProvider(sampler=sampling.ALWAYS_OFF).get_tracer("t").start_span("dropped")
    left_out.mark = "own"
    for way, make in WAYS.items():
        copied = make(left_out)
        run.observe(f"{way} of a dropped span", isinstance(copied, NonRecordingSpan))
        run.observe("same", copied.get_span_context() == left_out.get_span_context())
        run.observe("mark", copied.mark)


@program()
def of_a_tracer_with_marks(run: Run) -> None:
    from opentelemetry.sdk.trace import Tracer

    class Own(Tracer):
        pass

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
    own.mark = "own"
    twin = copy.copy(own)
    run.observe("class", type(twin) is Own)
    run.observe("mark", twin.mark)
    twin.mark = "of the copy"
    run.observe("apart", own.mark)
    with twin.start_as_current_span("span"):
        pass


@program()
def of_metrics(run: Run) -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    meter = provider.get_meter("copies")
    instruments = {
        "counter": meter.create_counter("counter"),
        "up-down counter": meter.create_up_down_counter("up_down"),
        "histogram": meter.create_histogram("histogram"),
        "gauge": meter.create_gauge("gauge"),
        "observable counter": meter.create_observable_counter("observable"),
    }
    ways_of(
        run,
        {
            **instruments,
            "provider": provider,
            "meter": meter,
            "aggregation": ExplicitBucketHistogramAggregation((1, 2)),
        },
    )
    for name, method in (
        ("counter", "add"),
        ("up-down counter", "add"),
        ("histogram", "record"),
        ("gauge", "set"),
    ):
        getattr(copy.copy(instruments[name]), method)(5, {"a": 1})
    (scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
    for metric in scope.metrics:
        for point in metric.data.data_points:
            amount = point.value if hasattr(point, "value") else point.sum
            run.observe(metric.name, [dict(point.attributes), amount])
    ways_of(run, {"metrics data": scope})
    provider.shutdown()


@program()
def of_logs(run: Run) -> None:
    import logging

    from opentelemetry._logs import LogRecord
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter

    provider = run.log_provider()
    logger = provider.get_logger("copies of loggers")
    handler = LoggingHandler(logger_provider=provider)
    handler.setFormatter(logging.Formatter("formatted: %(message)s"))
    ways_of(
        run,
        {
            "provider": provider,
            "logger": logger,
            "handler": handler,
            "exporter": ConsoleLogRecordExporter(),
        },
    )
    copy.copy(logger).emit(LogRecord(body="by the copy", observed_timestamp=1))
    twin = copy.copy(handler)
    twin.setFormatter(None)
    run.observe("apart", handler.formatter is not None)
    named = logging.getLogger("copies")
    for each in (handler, twin):
        each.handle(named.makeRecord("copies", logging.INFO, "f", 1, "said", None, None))


@program()
def of_the_global_propagator(run: Run) -> None:
    from opentelemetry import propagate, trace

    run.tracer()
    first = propagate.get_global_textmap()
    context = trace.set_span_in_context(
        trace.NonRecordingSpan(trace.SpanContext(1, 2, False, trace.TraceFlags(1)))
    )
    for way, make in WAYS.items():
        copied = make(first)
        run.observe(f"{way} is another", copied is not first)
        carrier: dict[str, str] = {}
        copied.inject(carrier, context)
        run.observe("injected", carrier)
        copied._propagators = []
        empty: dict[str, str] = {}
        copied.inject(empty, context)
        run.observe("of its own", empty)
    carrier = {}
    first.inject(carrier, context)
    run.observe("the first", carrier)


@program()
def of_composable_samplers(run: Run) -> None:
    from opentelemetry.sdk.trace._sampling_experimental import (
        composable_always_on,
        composable_parent_threshold,
        composite_sampler,
    )

    sampler = composite_sampler(composable_parent_threshold(composable_always_on()))
    for way, make in WAYS.items():
        tracer = run.tracer(sampler=make(sampler))
        with tracer.start_as_current_span(way):
            tracer.start_span("child").end()
