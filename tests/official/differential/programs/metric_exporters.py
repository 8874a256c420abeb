"""The OTLP exporters for metrics: arguments, variables, preferences, requests."""

from declare import Run, program
from programs.readers import measure, provider_with


def export_with(run: Run, protocol: str, **arguments: object) -> None:
    """The measurements of every kind of instrument, by an exporter with these arguments, twice."""
    import math

    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    else:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    def work() -> None:
        exporter = OTLPMetricExporter(**arguments)
        reader = PeriodicExportingMetricReader(exporter, math.inf)
        provider = provider_with(reader)
        measure(provider)
        reader.collect()
        measure(provider)
        reader.collect()
        provider.shutdown()

    run.attempt(protocol, work)


@program(
    variants={
        "endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT": "{http}"},
        "metrics endpoint": {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "{http}/v1/metrics"},
        "headers": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "x-one=1",
        },
        "gzip": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": "gzip",
        },
        "delta": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        },
        "low memory": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": " LowMemory ",
        },
        "exponential": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": (
                "base2_exponential_bucket_histogram"
            ),
        },
    }
)
def http_by_variable(run: Run) -> None:
    export_with(run, "http")


@program(
    variants={
        "endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}"},
        "metrics endpoint": {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "{grpc}"},
        "delta": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "DELTA",
        },
    }
)
def grpc_by_variable(run: Run) -> None:
    export_with(run, "grpc")


@program()
def by_argument(run: Run) -> None:
    from opentelemetry.sdk import metrics
    from opentelemetry.sdk.metrics.export import AggregationTemporality
    from opentelemetry.sdk.metrics.view import SumAggregation

    for protocol, endpoint in (
        ("http", f"{run.http_endpoint}/v1/metrics"),
        ("grpc", run.grpc_endpoint),
    ):
        export_with(
            run,
            protocol,
            endpoint=endpoint,
            preferred_temporality={metrics.UpDownCounter: AggregationTemporality.DELTA},
            preferred_aggregation={metrics.Histogram: SumAggregation()},
        )
        export_with(run, protocol, endpoint=endpoint, max_export_batch_size=2)


@program()
def metrics_of_ones_own(run: Run) -> None:
    """Made by hand, and exported twice by one exporter."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        Buckets,
        ExponentialHistogram,
        ExponentialHistogramDataPoint,
        Gauge,
        Histogram,
        HistogramDataPoint,
        Metric,
        MetricsData,
        NumberDataPoint,
        ResourceMetrics,
        ScopeMetrics,
        Sum,
    )
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    delta = AggregationTemporality.DELTA
    exemplar = Exemplar({"x": "y"}, 2.5, 7, 0xAAAA, 0xBBBB)
    number = NumberDataPoint({"a": 1, "b": [True, "c"]}, 1, 2, 3, [exemplar])
    buckets = HistogramDataPoint({}, 1, 2, 3, 4.5, [1, 2], [5.0], 0.5, 3.0, [exemplar])
    exponential = ExponentialHistogramDataPoint(
        {}, 1, 2, 3, 4, 5, 6, Buckets(-1, [1, 0, 2]), Buckets(0, []), 0, -1.0, 2.0
    )
    metrics = [
        Metric("sum", "d", "u", Sum([number], delta, True)),
        Metric("gauge", None, None, Gauge([NumberDataPoint({}, None, 2, 1.5)])),
        Metric("histogram", "", "", Histogram([buckets], delta)),
        Metric("exponential", "", "", ExponentialHistogram([exponential], delta)),
    ]
    scope = ScopeMetrics(
        InstrumentationScope("s", "1", "https://s", {"k": "v"}), metrics, "https://s"
    )
    resource = Resource({"service.name": "s"}, "https://r")
    data = MetricsData([ResourceMetrics(resource, [scope], "https://r")])
    exporter = OTLPMetricExporter(f"{run.http_endpoint}/v1/metrics")
    run.observe("first", exporter.export(data))
    run.observe("second", exporter.export(data))
    run.observe("json", data.to_json())
    exporter.shutdown()
    run.observe("late", exporter.export(data))
    exporter.shutdown()
