"""The SDK's metrics about itself: names, units, kinds, attributes and numbers."""

import math

from declare import Run, program


def observe_metrics(run: Run, name: str, reader: object) -> None:
    """What the SDK says of itself, without durations."""
    found = []
    metrics_data = reader.get_metrics_data()
    for resource_metrics in metrics_data.resource_metrics if metrics_data else ():
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                for point in metric.data.data_points:
                    attributes = dict(point.attributes)
                    attributes.pop("server.port", None)
                    if "reader" in metric.name:
                        # Officially numbered from 1: each reader is counted twice.
                        attributes.pop("otel.component.name")
                    found.append(
                        [
                            scope_metrics.scope.name,
                            metric.name,
                            metric.unit,
                            type(metric.data).__name__,
                            getattr(metric.data, "is_monotonic", None),
                            sorted(attributes.items()),
                            getattr(point, "value", None),
                            getattr(point, "count", None),
                        ]
                    )
    run.observe(name, sorted(found, key=str))


@program(env={"OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true"})
def spans(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    provider = TracerProvider(meter_provider=meters)
    exporter = OTLPSpanExporter(run.traces_endpoint, meter_provider=meters)
    batch = BatchSpanProcessor(exporter, max_queue_size=2048, meter_provider=meters)
    provider.add_span_processor(batch)
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter(), meter_provider=meters))
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("parent"):
        tracer.start_span("child").end()
    live = tracer.start_span("live")
    observe_metrics(run, "queued", reader)
    provider.force_flush()
    observe_metrics(run, "exported", reader)
    live.end()
    provider.shutdown()
    tracer.start_span("late").end()
    observe_metrics(run, "shut down", reader)
    meters.shutdown()


@program(env={"OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true"})
def metrics(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import (
        InMemoryMetricReader,
        PeriodicExportingMetricReader,
    )

    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    exporter = OTLPMetricExporter(f"{run.http_endpoint}/v1/metrics", meter_provider=meters)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, math.inf)])
    counter = provider.get_meter("m").create_counter("c")
    counter.add(1, {"a": 1})
    counter.add(1, {"a": 2})
    provider.force_flush()
    observe_metrics(run, "exported", reader)
    provider.shutdown()
    meters.shutdown()


@program(env={"OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true"})
def log_records(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    provider = LoggerProvider(meter_provider=meters)
    exporter = OTLPLogExporter(f"{run.http_endpoint}/v1/logs", meter_provider=meters)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(exporter, max_queue_size=2048, meter_provider=meters)
    )
    provider.get_logger("l").emit(body="one")
    provider.force_flush()
    observe_metrics(run, "exported", reader)
    provider.shutdown()
    meters.shutdown()
