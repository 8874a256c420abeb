"""The OTLP exporters for metrics: what they prefer, what they send, in which parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from opentelemetry.exporter.otlp.common._aggregation import _get_aggregation, _get_temporality
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcExporter,
)
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    DEFAULT_METRICS_EXPORT_PATH,
    OTLPMetricExporter as HttpExporter,
)
from opentelemetry.sdk import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    Metric,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    SumAggregation,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from oxitel.metrics.division import count_points, divided
from oxitel.variables import variable

DELTA, CUMULATIVE = AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE
SUCCESS, FAILURE = MetricExportResult.SUCCESS, MetricExportResult.FAILURE
PREFERENCE = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
HISTOGRAMS = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variable, "_said", set())


def collected(series: int = 3, counters: int = 1) -> MetricsData:
    """What a collection gives: `counters` metrics of `series` points each."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], Resource({"service.name": "test"}), shutdown_on_exit=False)
    meter = provider.get_meter("scope", "1.0")
    for counter_number in range(counters):
        counter = meter.create_counter(f"counter{counter_number}", "{item}", "things")
        for number in range(series):
            counter.add(number + 1, {"number": number})
    metrics_data = reader.get_metrics_data()
    assert metrics_data is not None
    return metrics_data


def by_hand(series: int = 3) -> MetricsData:
    """The same without a meter provider."""
    points = [NumberDataPoint({"number": number}, 1, 2, number + 1) for number in range(series)]
    metric = Metric("counter0", "things", "{item}", Sum(points, CUMULATIVE, True))
    scope = ScopeMetrics(InstrumentationScope("scope", "1.0"), [metric], "")
    return MetricsData([ResourceMetrics(Resource({"service.name": "test"}), [scope], "")])


def sent(collector: Any) -> list[list[tuple[str, Any]]]:
    """For each request that was accepted, the name and the value of each point."""
    return [
        [
            (metric["name"], point["as_int"])
            for resource_metrics in request.decoded["resource_metrics"]
            for scope_metrics in resource_metrics["scope_metrics"]
            for metric in scope_metrics["metrics"]
            for point in metric["sum"]["data_points"]
        ]
        for request in collector.requests()
        if request.accepted
    ]


Make = Callable[..., Any]
LANES = ("http", "grpc", "session", "channel")


@pytest.fixture
def make(collector: Any) -> Iterator[Make]:
    made: list[Any] = []

    def make(lane: str, **arguments: Any) -> Any:
        exporter: Any
        if lane in ("http", "session"):
            if lane == "session":
                arguments["session"] = requests.Session()
            endpoint = f"{collector.http_endpoint}/v1/metrics"
            exporter = HttpExporter(endpoint, **arguments)
        else:
            if lane == "channel":
                arguments["channel_options"] = (("grpc.max_send_message_length", 1 << 20),)
            exporter = GrpcExporter(collector.grpc_endpoint, **arguments)
        made.append(exporter)
        return exporter

    yield make
    for exporter in made:
        if not exporter._shutdown:
            exporter.shutdown()


# What they prefer


@pytest.mark.parametrize(
    ("text", "delta"),
    [
        ("cumulative", set()),
        (" DELTA ", {metrics.Counter, metrics.Histogram, metrics.ObservableCounter}),
        ("LowMemory", {metrics.Counter, metrics.Histogram}),
    ],
)
def test_temporalities_come_from_the_environment_and_over_it_the_argument(
    text: str, delta: set[type], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PREFERENCE, text)
    preferred = _get_temporality(None)
    assert {instrument for instrument, value in preferred.items() if value is DELTA} == delta
    assert len(preferred) == 6
    exporter: Any
    for exporter in (HttpExporter, GrpcExporter):
        argument = {metrics.UpDownCounter: DELTA, metrics.Counter: CUMULATIVE}
        expected = {**preferred, **argument}
        assert exporter(preferred_temporality=argument)._preferred_temporality == expected
        reader = PeriodicExportingMetricReader(exporter(), math.inf)
        assert reader._instrument_class_temporality == {**preferred, metrics._Gauge: CUMULATIVE}


def test_an_unknown_preference_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(PREFERENCE, "sometimes")
    monkeypatch.setenv(HISTOGRAMS, "round")
    exporter = HttpExporter()
    assert set(exporter._preferred_temporality.values()) == {CUMULATIVE}  # type: ignore[union-attr]
    assert f"Invalid value for {PREFERENCE}: 'sometimes'" in caplog.text
    assert f"Invalid value for {HISTOGRAMS}: 'round'" in caplog.text


def test_the_histograms_aggregation_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    explicit = _get_aggregation(None)
    assert list(explicit) == [metrics.Histogram]
    assert type(explicit[metrics.Histogram]) is ExplicitBucketHistogramAggregation
    monkeypatch.setenv(HISTOGRAMS, "BASE2_exponential_bucket_histogram")
    exponential = _get_aggregation(None)[metrics.Histogram]
    assert type(exponential) is ExponentialBucketHistogramAggregation
    wanted = SumAggregation()
    preferred = GrpcExporter(preferred_aggregation={metrics.Histogram: wanted})
    assert preferred._preferred_aggregation == {metrics.Histogram: wanted}


# What they send


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("metrics_data", [collected, by_hand])
def test_metrics_arrive_whichever_lane_they_take(
    lane: str, metrics_data: Callable[[], MetricsData], make: Make, collector: Any
) -> None:
    assert make(lane).export(metrics_data()) is SUCCESS
    assert sent(collector) == [[("counter0", 1), ("counter0", 2), ("counter0", 3)]]
    [request] = collector.requests()
    assert request.signal == "metrics"
    resource = request.decoded["resource_metrics"][0]["resource"]["attributes"]
    assert {"key": "service.name", "value": {"string_value": "test"}} in resource


@pytest.mark.parametrize("lane", LANES)
def test_requests_have_no_more_points_than_asked_for(lane: str, make: Make, collector: Any) -> None:
    exporter = make(lane, max_export_batch_size=2)
    assert exporter.export(collected(3, 2)) is SUCCESS
    assert sent(collector) == [
        [("counter0", 1), ("counter0", 2)],
        [("counter0", 3), ("counter1", 1)],
        [("counter1", 2), ("counter1", 3)],
    ]


@pytest.mark.parametrize("lane", LANES)
def test_a_part_that_is_refused_does_not_keep_back_the_others(
    lane: str, make: Make, collector: Any
) -> None:
    refusal: dict[str, Any] = {"do": "http_status", "status": 400}
    if lane in ("grpc", "channel"):
        refusal = {"do": "grpc_status", "code": "INVALID_ARGUMENT"}
    collector.script([{"do": "accept"}, refusal])
    assert make(lane, max_export_batch_size=1).export(collected()) is FAILURE
    assert sent(collector) == [[("counter0", 1)], [("counter0", 3)]]


@pytest.mark.parametrize("lane", ["http", "session"])
def test_a_request_that_is_too_large_is_sent_in_parts(
    lane: str, make: Make, collector: Any
) -> None:
    exporter = make(lane, max_request_size=600)
    assert exporter.export(collected(4, 10)) is SUCCESS
    requests_sent = sent(collector)
    assert len(requests_sent) > 1
    assert [value for request in requests_sent for _, value in request] == [
        number + 1 for _ in range(10) for number in range(4)
    ]


@pytest.mark.parametrize("lane", LANES)
def test_an_export_that_is_refused_fails(lane: str, make: Make, collector: Any) -> None:
    refusal: dict[str, Any] = {"do": "http_status", "status": 400}
    if lane in ("grpc", "channel"):
        refusal = {"do": "grpc_status", "code": "INVALID_ARGUMENT"}
    collector.script([refusal])
    exporter = make(lane)
    assert exporter.export(collected()) is FAILURE
    assert exporter.export(collected()) is SUCCESS
    exporter.shutdown()
    assert exporter.export(collected()) is FAILURE
    assert exporter.force_flush() is True


@pytest.mark.parametrize("lane", LANES)
def test_a_partial_success_is_said(
    lane: str, make: Make, collector: Any, caplog: pytest.LogCaptureFixture
) -> None:
    collector.script([{"do": "partial_success", "rejected": 2, "message": "too old"}])
    assert make(lane).export(collected()) is SUCCESS
    assert "too old" in caplog.text


def test_an_export_takes_no_longer_than_it_is_told_to(make: Make, collector: Any) -> None:
    import time

    collector.script([{"do": "http_status", "status": 503, "times": 100}])
    exporter = make("http")
    before = time.monotonic()
    assert exporter.export(collected(), timeout_millis=300) is FAILURE
    assert time.monotonic() - before < 3


def test_metrics_are_encoded_into_something_that_can_be_serialized(collector: Any) -> None:
    data = encode_metrics(by_hand()).SerializeToString()
    assert data == encode_metrics(by_hand()).SerializePartialToString()
    url = f"{collector.http_endpoint}/{DEFAULT_METRICS_EXPORT_PATH}"
    headers = {"content-type": "application/x-protobuf"}
    assert requests.post(url, data, headers=headers, timeout=5).ok
    assert sent(collector) == [[("counter0", 1), ("counter0", 2), ("counter0", 3)]]


def test_the_general_endpoint_gets_the_signals_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://receiver.example/base/")
    assert HttpExporter()._endpoint == "http://receiver.example/base/v1/metrics"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics.example")
    assert HttpExporter()._endpoint == "http://metrics.example"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "3.5")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip")
    exporter: Any
    for exporter in (HttpExporter(), GrpcExporter()):
        assert (exporter._timeout, exporter._compression) == (3.5, "gzip")


# Dividing


@pytest.mark.parametrize("max_points", [1, 2, 3, 4, 6, 100])
def test_parts_hold_every_point_once_and_their_resource_and_scope(max_points: int) -> None:
    whole = collected(3, 2)
    parts = list(divided(whole, max_points))
    counts = [count_points(part) for part in parts]
    assert sum(counts) == count_points(whole) == 6
    assert all(count == max_points for count in counts[:-1])
    points = [
        (metric.name, metric.unit, point)
        for part in parts
        for resource_metrics in part.resource_metrics
        for scope_metrics in resource_metrics.scope_metrics
        for metric in scope_metrics.metrics
        for point in metric.data.data_points
    ]
    metrics_of_whole = whole.resource_metrics[0].scope_metrics[0].metrics
    assert points == [
        (metric.name, metric.unit, point)
        for metric in metrics_of_whole
        for point in metric.data.data_points
    ]
    for part in parts:
        [resource_metrics] = part.resource_metrics
        assert resource_metrics.resource == whole.resource_metrics[0].resource
        [scope_metrics] = resource_metrics.scope_metrics
        assert scope_metrics.scope.name == "scope"


# From the instrument to the receiver


@pytest.mark.parametrize("lane", LANES)
def test_what_is_measured_arrives_again_and_again(lane: str, make: Make, collector: Any) -> None:
    exporter = make(lane, preferred_temporality={metrics.Counter: DELTA})
    reader = PeriodicExportingMetricReader(exporter, math.inf)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    counter = provider.get_meter("scope").create_counter("counter")
    counter.add(1)
    assert provider.force_flush() is True
    counter.add(2)
    reader.collect()
    assert sent(collector) == [[("counter", 1)], [("counter", 2)]]
    provider.shutdown()
