"""What was made is what arrived and what is said to be lost, to the last record, whatever the
receiver does: said when the provider is shut down, once, with the causes."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

from oxitel import _native


class Made:
    """A provider of one signal with a small queue, which makes records."""

    def __init__(self, signal: str, protocol: str, collector: Any) -> None:
        endpoint = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint
        path = f"/v1/{signal}" if protocol == "http" else ""
        exporters = {
            ("traces", "grpc"): GrpcSpans,
            ("traces", "http"): HttpSpans,
            ("logs", "grpc"): GrpcLogs,
            ("logs", "http"): HttpLogs,
        }
        exporter: Any = exporters[signal, protocol](endpoint + path, timeout=2)
        options = {
            "max_queue_size": 40,
            "schedule_delay_millis": 20,
            "max_export_batch_size": 10,
            "export_timeout_millis": 500,
        }
        self.signal = signal
        self.count = 0
        if signal == "traces":
            self.provider: Any = TracerProvider(shutdown_on_exit=False)
            self.processor: Any = BatchSpanProcessor(exporter, **options)  # type: ignore[arg-type]
            self.provider.add_span_processor(self.processor)
            tracer = self.provider.get_tracer("a")
            self.make: Callable[[], Any] = lambda: tracer.start_span("span").end()
        else:
            self.provider = LoggerProvider(shutdown_on_exit=False)
            self.processor = BatchLogRecordProcessor(exporter, **options)  # type: ignore[arg-type]
            self.provider.add_log_record_processor(self.processor)
            logger = self.provider.get_logger("a")
            self.make = lambda: logger.emit(body="record")

    def records(self, count: int, pause: float = 0.0) -> None:
        for _ in range(count):
            self.make()
            time.sleep(pause)
        self.count += count

    def noun(self, count: int) -> str:
        noun = {"traces": "span", "logs": "log"}[self.signal]
        return noun if count == 1 else f"{noun}s"


def refusal(protocol: str, **options: Any) -> dict[str, Any]:
    if protocol == "grpc":
        return {"do": "grpc_status", "code": "INVALID_ARGUMENT", "message": "no", **options}
    return {"do": "http_status", "status": 400, **options}


def busy(protocol: str, **options: Any) -> dict[str, Any]:
    if protocol == "grpc":
        return {"do": "grpc_status", "code": "UNAVAILABLE", **options}
    return {"do": "http_status", "status": 503, **options}


def said(caplog: Any, made: Made) -> dict[str, int]:
    """The losses that were said at shutdown, by cause."""
    lines = [message for message in caplog.messages if "not delivered to" in message]
    if not lines:
        return {}
    (line,) = lines
    amount, causes = re.split(r" w(?:as|ere) not delivered to \S+: ", line)
    lost, of, all_made = re.match(r"(\d+)( of (\d+))? ", amount).groups()  # type: ignore[union-attr]
    assert int(all_made if of else lost) == made.count, line
    assert amount.endswith(made.noun(made.count)), line
    by_cause = dict(re.findall(r"([^;(]+?)(?: \([^()]*\))? \((\d+)\)(?:; |$)", causes))
    if not by_cause:
        return {causes: int(lost)}
    counts = {cause: int(count) for cause, count in by_cause.items()}
    assert sum(counts.values()) == int(lost), line
    return counts


def accounted(caplog: Any, made: Made, collector: Any) -> dict[str, int]:
    """Shuts the provider down: the losses by cause, which with what arrived are what was made."""
    arrived_before_rejection = collector.count(made.signal)
    assert arrived_before_rejection <= made.count
    made.provider.shutdown()
    losses = said(caplog, made)
    counts = made.processor._native.counts()
    rejected = counts["rejected"]
    # The receiver that rejects some keeps count of all that it was sent.
    assert collector.count(made.signal) - rejected == counts["delivered"]
    assert counts["delivered"] + sum(losses.values()) == made.count == counts["made"], losses
    return losses


SIGNALS = ("traces", "logs")
PROTOCOLS = ("http", "grpc")


@pytest.fixture(params=[(signal, protocol) for signal in SIGNALS for protocol in PROTOCOLS])
def made(request: Any, collector: Any, caplog: Any) -> Made:
    signal, protocol = request.param
    caplog.set_level("INFO")
    made = Made(signal, protocol, collector)
    made.protocol = protocol  # type: ignore[attr-defined]
    return made


def test_where_nothing_is_lost_nothing_is_said(made: Any, collector: Any, caplog: Any) -> None:
    made.records(30)
    assert accounted(caplog, made, collector) == {}
    assert caplog.messages == []


def test_what_is_refused_is_said_with_its_number(made: Any, collector: Any, caplog: Any) -> None:
    made.records(5)
    assert made.processor.force_flush()
    collector.script([refusal(made.protocol, times=1000)])
    began = time.monotonic()
    for _ in range(6):
        made.records(10)
        made.processor.force_flush()
    losses = accounted(caplog, made, collector)
    assert list(losses.values()) == [60], losses
    # Meanwhile with what it has come to, which is one where the worker was quicker than the loop.
    failed = [message for message in caplog.messages if message.startswith("Failed to export")]
    assert 1 <= len(failed) <= most_lines(began), failed
    for message in failed:
        assert re.search(r"; (1 (span|log)|\d+ (span|log)s) lost so far$", message), message


def most_lines(began: float) -> int:
    """How often a thing may be said since then: once in twenty seconds."""
    return 1 + int((time.monotonic() - began) / 20)


def test_what_is_not_taken_is_said_with_its_number(made: Any, collector: Any, caplog: Any) -> None:
    collector.script(
        [{"do": "partial_success", "rejected": 1, "message": "too old", "times": 1000}]
    )
    began = time.monotonic()
    for _ in range(5):
        made.records(10)
        made.processor.force_flush()
    losses = accounted(caplog, made, collector)
    # Where the machine is busy, what was made at once goes in two requests.
    assert losses == {"rejected by the receiver": len(collector.requests(decoded=False))}
    said = [message for message in caplog.messages if "too old" in message]
    assert 1 <= len(said) <= most_lines(began), caplog.messages


def test_what_had_no_room_or_no_time_is_said_with_its_number(
    made: Any, collector: Any, caplog: Any
) -> None:
    made.records(10)
    assert made.processor.force_flush()
    collector.script([busy(made.protocol, times=1000)])
    made.records(100)
    losses = accounted(caplog, made, collector)
    assert sum(losses.values()) == 100 and losses["the queue was full"] >= 50, losses


def test_a_receiver_that_comes_and_goes_is_one_line(made: Any, collector: Any, caplog: Any) -> None:
    plan = []
    for _ in range(12):
        plan += [busy(made.protocol), {"do": "accept"}]
    collector.script(plan)
    began = time.monotonic()
    for _ in range(10):
        made.records(5)
        made.processor.force_flush(2000)
    assert accounted(caplog, made, collector) == {}
    warnings = [record for record in caplog.records if record.levelno >= 30]
    assert 1 <= len(warnings) <= most_lines(began), caplog.messages
    assert len(caplog.messages) <= 2 * most_lines(began), caplog.messages


def test_everything_at_once_adds_up(made: Any, collector: Any, caplog: Any) -> None:
    partial = {"do": "partial_success", "rejected": 2, "message": "old"}
    collector.script(
        [
            {"do": "accept"},
            refusal(made.protocol),
            partial,
            busy(made.protocol),
            partial,
            refusal(made.protocol),
            {"do": "accept"},
            partial,
        ]
    )
    made.records(150, pause=0.002)
    made.processor.force_flush()
    collector.script([busy(made.protocol, times=1000)])
    made.records(90)
    losses = accounted(caplog, made, collector)
    assert len(losses) == 4, losses


def test_a_provider_that_is_shut_down_says_what_nobody_got(caplog: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(HttpSpans("http://127.0.0.1:9/v1/traces")))
    for _ in range(3):
        provider.get_tracer("a").start_span("span").end()
    provider.shutdown()
    assert "3 spans were not delivered to http://127.0.0.1:9: connection refused" in caplog.messages


def test_exports_that_somebody_waited_for_are_counted_too(collector: Any, caplog: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(HttpSpans(collector.traces_endpoint)))
    metric_exporter = OTLPMetricExporter(f"{collector.http_endpoint}/v1/metrics")
    reader = PeriodicExportingMetricReader(metric_exporter, 60_000)
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    counter = meter_provider.get_meter("a").create_counter("c")
    collector.script([refusal("http", times=2)])
    for _ in range(3):
        provider.get_tracer("a").start_span("span").end()
    collector.script([refusal("http", times=1)])
    counter.add(1)
    assert not meter_provider.force_flush()
    counter.add(1)
    provider.shutdown()
    meter_provider.shutdown()
    assert [message for message in caplog.messages if "not delivered" in message] == [
        f"2 of 3 spans were not delivered to {collector.traces_endpoint}: refused, 400 Bad Request",
        f"1 of 2 exports of metrics was not delivered to {collector.http_endpoint}/v1/metrics:"
        " refused, 400 Bad Request",
    ]


class RecordsOnly(Sampler):
    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        return SamplingResult(Decision.RECORD_ONLY)

    def get_description(self) -> str:
        return "records only"


class Failing:
    def on_start(self, span: Any, parent_context: Any = None) -> None: ...
    def _on_ending(self, span: Any) -> None: ...
    def on_end(self, span: Any) -> None:
        raise ValueError("broken")

    def shutdown(self) -> None: ...
    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True


@pytest.mark.parametrize("is_sampled", [True, False])
def test_a_span_that_a_processor_failed_on_is_a_loss_if_it_was_to_be_exported(
    is_sampled: bool, collector: Any, caplog: Any
) -> None:
    sampler: Any = None if is_sampled else RecordsOnly()
    provider = TracerProvider(sampler, shutdown_on_exit=False)
    provider.add_span_processor(Failing())  # type: ignore[arg-type]
    provider.add_span_processor(BatchSpanProcessor(HttpSpans(collector.traces_endpoint)))
    provider.get_tracer("a").start_span("span").end()
    provider.shutdown()
    lost = [message for message in caplog.messages if "not delivered" in message]
    assert lost == is_sampled * [
        f"1 span was not delivered to {collector.traces_endpoint}: a processor or the encoder"
        " failed"
    ]


def test_an_exporter_written_in_python_has_its_losses_told(caplog: Any) -> None:
    class Refusing(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.FAILURE

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Refusing()))
    for _ in range(3):
        provider.get_tracer("a").start_span("span").end()
    provider.shutdown()
    assert "3 of 3 records (Span) were not exported: the exporter failed (3)." in caplog.messages


def test_what_is_counted_by_a_queue_is_balanced_at_any_time(collector: Any) -> None:
    processor = BatchSpanProcessor(HttpSpans(collector.traces_endpoint), 50, 10, 10)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    native = processor._native
    assert isinstance(native, _native.BatchProcessor)
    for _ in range(300):
        provider.get_tracer("a").start_span("span").end()
        counts = native.counts()
        made = counts.pop("made")
        del counts["submitted"], counts["dropped_when_submitted"]
        assert sum(counts.values()) == made
    provider.shutdown()
