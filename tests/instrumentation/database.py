"""What the tests of databases' instrumentations share: what one that is switched on
records."""

from contextlib import contextmanager

from opentelemetry.instrumentation import _semconv
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"


class Recorded:
    """Providers, and what they have recorded."""

    def __init__(self, sampler=None):
        self.exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider(sampler=sampler)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self.reader])
        self.tracer = self.tracer_provider.get_tracer("test")

    def spans(self):
        return list(self.exporter.get_finished_spans())

    def names(self):
        return [span.name for span in self.spans()]

    def points(self):
        data = self.reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@contextmanager
def switched_on(instrumentor, sampler=None, **arguments):
    """`instrumentor` with providers of its own, for the block."""
    recorded = Recorded(sampler)
    instrumentor.instrument(
        tracer_provider=recorded.tracer_provider,
        meter_provider=recorded.meter_provider,
        **arguments,
    )
    try:
        yield recorded
    finally:
        instrumentor.uninstrument()


@contextmanager
def conventions(monkeypatch, opt_in):
    """The semantic conventions, which the official base reads once in a process."""
    stability = _semconv._OpenTelemetrySemanticConventionStability
    monkeypatch.setenv(OPT_IN, opt_in)
    stability._initialized = False
    try:
        yield
    finally:
        monkeypatch.delenv(OPT_IN)
        stability._initialized = False
        stability._initialize()
