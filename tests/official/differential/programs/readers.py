"""Metric readers and exporters: what is collected when, and what the exporters are called with."""

import math

from declare import Run, program


def recorder(run: Run, **preferences: object) -> object:
    """An exporter that notes what it is given."""
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult

    class Recorder(MetricExporter):
        def export(self, metrics_data, timeout_millis=10_000, **kwargs):
            run.observe("exported", points(metrics_data))
            run.observe("extra", sorted(kwargs))
            return MetricExportResult.SUCCESS

        def force_flush(self, timeout_millis=10_000):
            run.observe("flushed", True)
            return True

        def shutdown(self, timeout_millis=30_000, **kwargs):
            run.observe("shut down", True)

    return Recorder(**preferences)


def points(metrics_data: object) -> list:
    """Names, kinds and numbers, without times."""
    if metrics_data is None:
        return None
    found = []
    for resource_metrics in metrics_data.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                data = metric.data
                for point in data.data_points:
                    found.append(
                        [
                            scope_metrics.scope.name,
                            metric.name,
                            type(data).__name__,
                            getattr(getattr(data, "aggregation_temporality", None), "name", None),
                            dict(point.attributes),
                            getattr(point, "value", None),
                            getattr(point, "count", None),
                            list(getattr(point, "bucket_counts", ())),
                        ]
                    )
    return found


def named_reader() -> object:
    """A reader whose representation has no address."""
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    class Named(InMemoryMetricReader):
        def __repr__(self):
            return "<reader>"

    return Named()


def provider_with(*readers: object, **arguments: object) -> object:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource

    return MeterProvider(readers, Resource({"service.name": "s"}), **arguments)


def measure(provider: object) -> None:
    from opentelemetry.metrics import Observation

    meter = provider.get_meter("meter", "1")
    meter.create_counter("counter").add(2, {"a": 1})
    meter.create_up_down_counter("up_down").add(-1)
    meter.create_histogram("histogram").record(7)
    meter.create_gauge("gauge").set(5)
    for kind in ("counter", "up_down_counter", "gauge"):
        create = getattr(meter, f"create_observable_{kind}")
        create(f"observable_{kind}", [lambda _: [Observation(3, {"b": 2})]])


@program()
def in_memory(run: Run) -> None:
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    run.observe("unregistered", reader.get_metrics_data())
    provider = provider_with(reader)
    run.observe("nothing", points(reader.get_metrics_data()))
    measure(provider)
    run.observe("first", points(reader.get_metrics_data()))
    run.observe("second", points(reader.get_metrics_data()))
    run.observe("flush", reader.force_flush())
    provider.shutdown()


@program()
def temporalities_and_aggregations(run: Run) -> None:
    from opentelemetry.sdk import metrics
    from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
    from opentelemetry.sdk.metrics.view import (
        DropAggregation,
        ExplicitBucketHistogramAggregation,
        LastValueAggregation,
        SumAggregation,
    )

    delta = AggregationTemporality.DELTA
    reader = InMemoryMetricReader(
        preferred_temporality={
            metrics.Counter: delta,
            metrics.Histogram: delta,
            metrics.ObservableCounter: delta,
        },
        preferred_aggregation={
            metrics.UpDownCounter: LastValueAggregation(),
            metrics.Histogram: ExplicitBucketHistogramAggregation((1, 10), False),
            metrics.ObservableGauge: SumAggregation(),
            metrics.ObservableUpDownCounter: DropAggregation(),
        },
    )
    provider = provider_with(reader)
    for number in range(3):
        measure(provider)
        run.observe(f"collection {number}", points(reader.get_metrics_data()))
    run.observe("idle", points(reader.get_metrics_data()))
    provider.shutdown()


@program()
def what_a_reader_refuses(run: Run) -> None:
    from opentelemetry.sdk import metrics
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        InMemoryMetricReader,
        PeriodicExportingMetricReader,
    )

    for name, arguments in {
        "temporality": {
            "preferred_temporality": {metrics.Counter: AggregationTemporality.UNSPECIFIED}
        },
        "class of a temporality": {"preferred_temporality": {int: AggregationTemporality.DELTA}},
        "class of an aggregation": {"preferred_aggregation": {str: None}},
    }.items():
        run.attempt(name, lambda arguments=arguments: type(InMemoryMetricReader(**arguments)))
    reader = named_reader()
    provider_with(reader).shutdown()
    run.attempt("again", lambda: type(provider_with(reader)))
    for interval in (0, -1):
        try:
            PeriodicExportingMetricReader(recorder(run), interval)
        except ValueError as error:
            run.observe(f"interval {interval}", str(error).partition(" is invalid")[0])


@program()
def a_manual_periodic_reader(run: Run) -> None:
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(recorder(run), math.inf)
    run.observe("unregistered", reader.collect())
    provider = provider_with(reader)
    measure(provider)
    run.observe("collect", reader.collect())
    run.observe("flush", provider.force_flush())
    run.observe("shutdown", provider.shutdown())
    run.observe("again", provider.shutdown())
    run.observe("reader again", reader.shutdown())


@program()
def the_end_of_a_periodic_reader_exports(run: Run) -> None:
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    provider = provider_with(PeriodicExportingMetricReader(recorder(run), 60_000))
    measure(provider)
    provider.shutdown()


@program(
    variants={
        "unset": {},
        "numbers": {"OTEL_METRIC_EXPORT_INTERVAL": "1500", "OTEL_METRIC_EXPORT_TIMEOUT": "700.5"},
        "infinite": {"OTEL_METRIC_EXPORT_INTERVAL": "inf"},
    }
)
def times_by_variable(run: Run) -> None:
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(recorder(run))
    run.observe("interval", reader._export_interval_millis)
    run.observe("timeout", reader._export_timeout_millis)
    reader.shutdown()


@program()
def a_reader_that_comes_and_goes(run: Run) -> None:
    provider = provider_with()
    counter = provider.get_meter("m").create_counter("c")
    counter.add(1)
    reader = named_reader()
    provider.add_metric_reader(reader)
    counter.add(2)
    run.observe("collected", points(reader.get_metrics_data()))
    provider.add_metric_reader(reader)
    provider.remove_metric_reader(reader)
    counter.add(4)
    run.observe("after", points(reader.get_metrics_data()))
    provider.remove_metric_reader(reader)
    provider.shutdown()


@program()
def a_reader_of_ones_own(run: Run) -> None:
    from opentelemetry.sdk.metrics.export import MetricReader

    class Mine(MetricReader):
        def _receive_metrics(self, metrics_data, timeout_millis=10_000, **kwargs):
            run.observe("received", [points(metrics_data), timeout_millis])

        def shutdown(self, timeout_millis=30_000, **kwargs):
            run.observe("shut down", sorted(kwargs))

    reader = Mine()
    provider = provider_with(reader)
    measure(provider)
    reader.collect(timeout_millis=1234)
    run.observe("flush", reader.force_flush(4321))
    provider.shutdown()


@program()
def the_console(run: Run) -> None:
    import io

    from opentelemetry.sdk.metrics.export import (
        ConsoleMetricExporter,
        InMemoryMetricReader,
        MetricsData,
    )

    output = io.StringIO()
    exporter = ConsoleMetricExporter(output)
    run.observe("result", exporter.export(MetricsData([])))
    run.observe("written", output.getvalue())
    short = ConsoleMetricExporter(output, lambda data: f"<{len(data.resource_metrics)}>")
    reader = InMemoryMetricReader()
    provider = provider_with(reader)
    measure(provider)
    short.export(reader.get_metrics_data())
    run.observe("formatted", output.getvalue()[-3:])
    run.observe("flush", [exporter.force_flush(), exporter.shutdown()])
    provider.shutdown()
