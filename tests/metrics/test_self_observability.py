"""The SDK's metrics about itself, as a meter provider of anybody's sees them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import pytest
import requests
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetricExporter,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as LogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetricExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.metrics import CallbackOptions
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
)

from oxitel.self_observability import meter


class Instrument:
    def __init__(self, kind: str, unit: str, callbacks: list[Callable[..., Any]]) -> None:
        self.kind = kind
        self.unit = unit
        self.callbacks = callbacks
        self.measured: list[tuple[Any, dict[str, Any]]] = []

    def add(self, amount: Any, attributes: dict[str, Any] | None = None) -> None:
        self.measured.append((amount, attributes or {}))

    record = add


class Provider:
    """A meter provider that keeps every measurement. As officially, an instrument is made once, and
    the callbacks of whoever asks again are not looked at."""

    def __init__(self) -> None:
        self.instruments: dict[str, Instrument] = {}

    def get_meter(self, name: str) -> Any:
        assert name == "opentelemetry-sdk"
        return self

    def __getattr__(self, name: str) -> Any:
        kind = name.removeprefix("create_")

        def create(name: str, callbacks: Any = (), unit: str = "", description: str = "") -> Any:
            assert description
            return self.instruments.setdefault(name, Instrument(kind, unit, callbacks))

        return create

    def collect(self) -> None:
        """Ask the callbacks; what they observe replaces what they observed before."""
        for instrument in self.instruments.values():
            if instrument.callbacks:
                instrument.measured = [
                    (observation.value, dict(observation.attributes))
                    for callback in instrument.callbacks
                    for observation in callback(CallbackOptions())
                ]

    def sums(self, name: str, *keys: str) -> dict[Any, Any]:
        """The sums of an instrument's measurements by the values of some attributes."""
        self.collect()
        sums: dict[Any, Any] = {}
        for amount, attributes in self.instruments[f"otel.sdk.{name}"].measured:
            values = tuple(attributes.get(key) for key in keys)
            key = values[0] if len(values) == 1 else values
            sums[key] = sums.get(key, 0) + amount
        return sums


@pytest.fixture
def meters(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    monkeypatch.setattr(meter, "_component_numbers", {})
    return Provider()


class Quiet(SpanExporter):
    result = SpanExportResult.SUCCESS

    def export(self, spans: Any) -> SpanExportResult:
        return self.result


def test_nothing_is_made_unless_it_is_switched_on() -> None:
    meters: Any = Provider()
    provider = TracerProvider(shutdown_on_exit=False, meter_provider=meters)
    exporter = HttpExporter(meter_provider=meters)
    provider.add_span_processor(BatchSpanProcessor(exporter, meter_provider=meters))
    provider.add_span_processor(SimpleSpanProcessor(Quiet(), meter_provider=meters))
    provider.shutdown()
    assert meters.instruments == {}


def test_spans_are_counted_by_origin_and_decision(meters: Any) -> None:
    class ByName(Sampler):
        def should_sample(  # type: ignore[override]
            self, parent_context: Any, trace_id: int, name: str, *rest: Any, **others: Any
        ) -> SamplingResult:
            return SamplingResult(Decision[name])

        def get_description(self) -> str:
            return "by the span's name"

    provider = TracerProvider(ParentBased(ByName()), shutdown_on_exit=False, meter_provider=meters)
    tracer = provider.get_tracer("a")
    other = provider.get_tracer("b")
    with tracer.start_as_current_span("RECORD_AND_SAMPLE"):
        other.start_span("child").end()
        live = other.start_span("child")
    with tracer.start_as_current_span("DROP"):
        tracer.start_span("child").end()
    only = tracer.start_span("RECORD_ONLY")
    remote = trace.SpanContext(1, 2, True, trace.TraceFlags(1))
    context = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    tracer.start_span("child", context).end()

    keys = ("otel.span.parent.origin", "otel.span.sampling_result")
    assert meters.sums("span.started", *keys) == {
        ("none", "RECORD_AND_SAMPLE"): 1,
        ("none", "RECORD_ONLY"): 1,
        ("none", "DROP"): 1,
        ("local", "RECORD_AND_SAMPLE"): 2,
        ("local", "DROP"): 1,
        ("remote", "RECORD_AND_SAMPLE"): 1,
    }
    assert meters.sums("span.live", keys[1]) == {"RECORD_AND_SAMPLE": 1, "RECORD_ONLY": 1}
    live.end()
    live.end()
    only.end()
    assert meters.sums("span.live", keys[1]) == {"RECORD_AND_SAMPLE": 0, "RECORD_ONLY": 0}
    kinds = {name: instrument.kind for name, instrument in meters.instruments.items()}
    assert kinds == {
        "otel.sdk.span.started": "observable_counter",
        "otel.sdk.span.live": "observable_up_down_counter",
    }


def test_two_providers_are_summed_up(meters: Any) -> None:
    for _ in range(2):
        provider = TracerProvider(shutdown_on_exit=False, meter_provider=meters)
        provider.get_tracer("a").start_span("span").end()
    meters.collect()
    assert [value for value, _ in meters.instruments["otel.sdk.span.started"].measured] == [2]


@pytest.mark.fork
def test_a_forked_child_counts_from_nothing(meters: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False, meter_provider=meters)
    tracer = provider.get_tracer("a")
    tracer.start_span("span").end()
    pid = os.fork()
    if pid == 0:
        tracer.start_span("span").end()
        is_one = meters.sums("span.started", "otel.span.parent.origin") == {"none": 1}
        os._exit(0 if is_one else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_each_queue_is_observed(meters: Any) -> None:
    processors = [BatchSpanProcessor(Quiet(), 600, meter_provider=meters) for _ in range(2)]
    assert meters.sums("processor.span.queue.size", "otel.component.name") == {
        "batching_span_processor/0": 0,
        "batching_span_processor/1": 0,
    }
    for processor in processors:
        processor.shutdown()


@pytest.mark.parametrize("lane", ["native", "python"])
def test_a_queue_is_observed_and_what_it_did(lane: str, meters: Any, collector: Any) -> None:
    native = HttpExporter(collector.traces_endpoint, meter_provider=meters)
    exporter: SpanExporter = native if lane == "native" else Quiet()
    processor = BatchSpanProcessor(exporter, 3, 60_000, 3, meter_provider=meters)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("a")
    tracer.start_span("span").end()
    tracer.start_span("span").end()
    name = {"otel.component.name": "batching_span_processor/0"}
    component = ("otel.component.type", "otel.component.name")
    ours = ("batching_span_processor", name["otel.component.name"])
    assert meters.sums("processor.span.queue.size", *component) == {ours: 2}
    assert meters.sums("processor.span.queue.capacity", *component) == {ours: 3}
    assert meters.sums("processor.span.processed", *component) == {}
    assert processor.force_flush()
    provider.shutdown()
    tracer.start_span("late").end()
    assert meters.sums("processor.span.queue.size", *component) == {ours: 0}
    assert meters.sums("processor.span.processed", *component, "error.type") == {
        (*ours, None): 2,
        (*ours, "already_shutdown"): 1,
    }
    units = {instrument.unit for name, instrument in meters.instruments.items() if ".span." in name}
    assert units == {"{span}"}


def test_a_processor_without_a_queue_counts_what_it_did(meters: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    for _ in range(2):
        provider.add_span_processor(SimpleSpanProcessor(Quiet(), meter_provider=meters))
    tracer = provider.get_tracer("a")
    tracer.start_span("span").end()
    provider.shutdown()
    tracer.start_span("late").end()
    keys = ("otel.component.name", "error.type")
    assert meters.sums("processor.span.processed", *keys) == {
        ("simple_span_processor/0", None): 1,
        ("simple_span_processor/0", "already_shutdown"): 1,
        ("simple_span_processor/1", None): 1,
        ("simple_span_processor/1", "already_shutdown"): 1,
    }


EXPORTERS: dict[str, Callable[[Any, Any], SpanExporter]] = {
    "http": lambda collector, meters: HttpExporter(
        collector.traces_endpoint, meter_provider=meters
    ),
    "grpc": lambda collector, meters: GrpcExporter(collector.grpc_endpoint, meter_provider=meters),
    "session": lambda collector, meters: HttpExporter(
        collector.traces_endpoint, session=requests.Session(), meter_provider=meters
    ),
}


@pytest.mark.parametrize("kind", EXPORTERS)
def test_an_exporter_tells_what_became_of_its_spans(kind: str, meters: Any, collector: Any) -> None:
    exporter = EXPORTERS[kind](collector, meters)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("a").start_span("span").end()
    protocol = "grpc" if kind == "grpc" else "http"
    component = f"otlp_{protocol}_span_exporter"
    keys = ("otel.component.name", "server.address", "error.type")
    expected = (f"{component}/0", "127.0.0.1", None)
    assert meters.sums("exporter.span.inflight", *keys) == {expected: 0}
    assert meters.sums("exporter.span.exported", *keys) == {expected: 1}
    [(seconds, attributes)] = meters.instruments["otel.sdk.exporter.operation.duration"].measured
    assert 0 < seconds < 10
    assert attributes["otel.component.type"] == component
    assert isinstance(attributes["server.port"], int)
    # Each export is told of once.
    assert meters.sums("exporter.span.exported", *keys) == {expected: 1}


@pytest.mark.parametrize(
    ("kind", "answer", "error", "status"),
    [
        (
            "http",
            {"do": "http_status", "status": 400},
            "400",
            {"http.response.status_code": 400},
        ),
        (
            "grpc",
            {"do": "grpc_status", "code": "INVALID_ARGUMENT"},
            "INVALID_ARGUMENT",
            {"rpc.response.status_code": "INVALID_ARGUMENT"},
        ),
    ],
)
def test_a_failed_export_names_the_error(
    kind: str,
    answer: dict[str, Any],
    error: str,
    status: dict[str, Any],
    meters: Any,
    collector: Any,
) -> None:
    collector.script([answer])
    exporter = EXPORTERS[kind](collector, meters)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("a").start_span("span").end()
    assert meters.sums("exporter.span.exported", "error.type") == {error: 1}
    [(_, attributes)] = meters.instruments["otel.sdk.exporter.operation.duration"].measured
    assert attributes["error.type"] == error
    assert status.items() <= attributes.items()


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_what_nobody_tries_again_has_failed(kind: str, meters: Any, collector: Any) -> None:
    collector.refuse()
    exporter = EXPORTERS[kind](collector, meters)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("a").start_span("span").end()
    [(error, count)] = meters.sums("exporter.span.exported", "error.type").items()
    assert error is not None
    assert count == 1


METRIC_EXPORTERS: dict[str, Callable[[Any, Any], Any]] = {
    "http": lambda collector, options: HttpMetricExporter(
        f"{collector.http_endpoint}/v1/metrics", **options
    ),
    "grpc": lambda collector, options: GrpcMetricExporter(collector.grpc_endpoint, **options),
    "session": lambda collector, options: HttpMetricExporter(
        f"{collector.http_endpoint}/v1/metrics", session=requests.Session(), **options
    ),
}


@pytest.mark.parametrize(
    ("kind", "answer", "error", "status"),
    [
        ("http", {"do": "http_status", "status": 401}, "401", ("http", 401)),
        ("session", {"do": "http_status", "status": 401}, "401", ("http", 401)),
        (
            "grpc",
            {"do": "grpc_status", "code": "UNAUTHENTICATED"},
            "UNAUTHENTICATED",
            ("rpc", "UNAUTHENTICATED"),
        ),
    ],
)
def test_a_failed_export_of_metrics_names_the_error(
    kind: str,
    answer: dict[str, Any],
    error: str,
    status: tuple[str, Any],
    meters: Any,
    collector: Any,
) -> None:
    collector.script([answer])
    exporter = METRIC_EXPORTERS[kind](collector, {})
    exporter.set_meter_provider(meters)
    meter_provider = MeterProvider(
        [PeriodicExportingMetricReader(exporter, math.inf)], shutdown_on_exit=False
    )
    meter_provider.get_meter("a").create_counter("b").add(1)
    assert not meter_provider.force_flush()
    assert meters.sums("exporter.metric_data_point.exported", "error.type")[error] >= 1
    [(_, attributes)] = meters.instruments["otel.sdk.exporter.operation.duration"].measured
    assert attributes["error.type"] == error
    protocol, code = status
    assert attributes[f"{protocol}.response.status_code"] == code
    assert meter_provider.force_flush()
    assert None in meters.sums("exporter.metric_data_point.exported", "error.type")


@pytest.mark.parametrize("kind", ["http", "grpc", "session"])
@pytest.mark.parametrize("signal", ["traces", "metrics"])
def test_a_payload_that_is_too_large_is_named(
    kind: str, signal: str, meters: Any, collector: Any
) -> None:
    if kind == "grpc":
        pytest.skip("the exporters over gRPC have no limit of their own, as officially")
    if signal == "metrics":
        exporter: Any = METRIC_EXPORTERS[kind](collector, {"max_request_size": 10})
        exporter.set_meter_provider(meters)
        provider = MeterProvider(
            [PeriodicExportingMetricReader(exporter, math.inf)], shutdown_on_exit=False
        )
        provider.get_meter("a").create_counter("b").add(1)
        assert not provider.force_flush()
        name = "exporter.metric_data_point.exported"
    else:
        session = requests.Session() if kind == "session" else None
        exporter = HttpExporter(
            collector.traces_endpoint,
            session=session,
            max_request_size=10,
            meter_provider=meters,
        )
        traces = TracerProvider(shutdown_on_exit=False)
        traces.add_span_processor(SimpleSpanProcessor(exporter))
        traces.get_tracer("a").start_span("span").end()
        name = "exporter.span.exported"
    assert set(meters.sums(name, "error.type")) == {"RequestPayloadTooLargeError"}
    [(_, attributes)] = meters.instruments["otel.sdk.exporter.operation.duration"].measured
    assert attributes["error.type"] == "RequestPayloadTooLargeError"
    assert not [key for key in attributes if key.endswith("status_code")]


@pytest.mark.parametrize("lane", ["native", "python"])
@pytest.mark.parametrize("signal", ["span", "log"])
def test_a_record_is_processed_when_it_is_handed_to_the_exporter(
    lane: str, signal: str, meters: Any, collector: Any
) -> None:
    """Whatever the exporter makes of it; while it is tried again it is not counted again."""
    Exporter: Any = HttpExporter if signal == "span" else LogExporter
    endpoint = f"{collector.http_endpoint}/v1/{'traces' if signal == 'span' else 'logs'}"
    exporter = Exporter(endpoint, timeout=1)
    if lane == "python":
        exporter.export = exporter.export
    options: Any = {"schedule_delay_millis": 60_000, "meter_provider": meters}
    if signal == "span":
        processor: Any = BatchSpanProcessor(exporter, 10, **options, max_export_batch_size=2)
        provider: Any = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        make: Any = lambda: provider.get_tracer("a").start_span("span").end()  # noqa: E731
    else:
        processor = BatchLogRecordProcessor(
            exporter, max_queue_size=10, **options, max_export_batch_size=2
        )
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(processor)
        make = lambda: provider.get_logger("a").emit(body="record")  # noqa: E731
    collector.script([{"do": "http_status", "status": 400}])
    make()
    assert meters.sums(f"processor.{signal}.processed", "error.type") == {}
    assert not processor.force_flush()
    assert meters.sums(f"processor.{signal}.processed", "error.type") == {None: 1}
    if lane == "native":
        # Ten seconds of patience, of which this is tried one: the rest waits in the queue.
        collector.script([{"do": "http_status", "status": 503, "times": 100}])
        make()
        assert not processor.force_flush(300)
        assert not processor.force_flush(300)
        assert meters.sums(f"processor.{signal}.processed", "error.type") == {None: 2}
        for _ in range(20):
            make()
        sums = meters.sums(f"processor.{signal}.processed", "error.type")
        assert 22 - 10 - 2 <= sum(sums.values()) <= 22 - 8
        collector.clear()
        assert processor.force_flush()
        sums = meters.sums(f"processor.{signal}.processed", "error.type")
        assert sum(sums.values()) == 22
    provider.shutdown()


def metric_counts(reader: InMemoryMetricReader) -> dict[str, Any]:
    """Of our own provider's metrics about the SDK: names, and values or counts of their points."""
    metrics_data = reader.get_metrics_data()
    assert metrics_data is not None
    return {
        metric.name: [
            point.count if hasattr(point, "count") else point.value
            for point in metric.data.data_points
        ]
        for resource_metrics in metrics_data.resource_metrics
        for scope_metrics in resource_metrics.scope_metrics
        if scope_metrics.scope.name == "opentelemetry-sdk"
        for metric in scope_metrics.metrics
    }


def test_our_own_meter_provider_makes_them(meters: Any, collector: Any) -> None:
    reader = InMemoryMetricReader()
    metric_exporter = HttpMetricExporter(f"{collector.http_endpoint}/v1/metrics")
    periodic = PeriodicExportingMetricReader(metric_exporter, math.inf)
    meter_provider = MeterProvider([reader, periodic], shutdown_on_exit=False)
    metric_exporter.set_meter_provider(meter_provider)
    provider = TracerProvider(shutdown_on_exit=False, meter_provider=meter_provider)
    exporter = HttpExporter(collector.traces_endpoint, meter_provider=meter_provider)
    processor = BatchSpanProcessor(exporter, meter_provider=meter_provider)
    provider.add_span_processor(processor)
    provider.get_tracer("a").start_span("span").end()
    assert processor.force_flush()
    assert metric_counts(reader) == {
        "otel.sdk.span.started": [1],
        "otel.sdk.span.live": [0],
        "otel.sdk.exporter.span.exported": [1],
        "otel.sdk.exporter.operation.duration": [1],
        "otel.sdk.exporter.span.inflight": [0],
        "otel.sdk.processor.span.processed": [1],
        # No capacity: where nobody sets a number of spans, the queue is bounded in bytes.
        "otel.sdk.processor.span.queue.size": [0],
    }
    assert meter_provider.force_flush()
    counts = metric_counts(reader)
    assert counts["otel.sdk.exporter.metric_data_point.exported"] >= [8]
    # Two collections of the first reader, one of the other.
    assert sorted(counts["otel.sdk.metric_reader.collection.duration"]) == [1, 2]
    provider.shutdown()
    meter_provider.shutdown()


@pytest.mark.parametrize("lane", ["native", "python", "simple"])
def test_log_records_are_counted_as_they_go(lane: str, meters: Any, collector: Any) -> None:
    exporter: Any = LogExporter(f"{collector.http_endpoint}/v1/logs", meter_provider=meters)
    if lane != "native":
        exporter = InMemoryLogRecordExporter()
    processor: Any = SimpleLogRecordProcessor(exporter, meter_provider=meters)
    component = "simple_log_processor"
    if lane != "simple":
        processor = BatchLogRecordProcessor(exporter, meter_provider=meters)
        component = "batching_log_processor"
    provider = LoggerProvider(shutdown_on_exit=False, meter_provider=meters)
    provider.add_log_record_processor(processor)
    logger = provider.get_logger("a")
    logger.emit(body="one")
    logger.emit(body="two")
    assert processor.force_flush()
    assert meters.sums("log.created", "otel.component.name") == {None: 2}
    keys = ("otel.component.type", "otel.component.name", "error.type")
    expected = (component, f"{component}/0", None)
    assert meters.sums("processor.log.processed", *keys) == {expected: 2}
    if lane == "native":
        assert meters.sums("exporter.log.exported", "otel.component.type") == {
            "otlp_http_log_exporter": 2
        }
    units = {
        name.removeprefix("otel.sdk."): instrument.unit
        for name, instrument in meters.instruments.items()
        if ".log." in name
    }
    if lane != "simple":
        assert units.pop("processor.log.queue.size") == "{log}"
    assert set(units.values()) == {"{log_record}"}
    provider.shutdown()
