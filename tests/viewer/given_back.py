"""Run with the official packages. `send PROTOCOL ENDPOINT FOLDER` has the official exporters send
of everything there is, and keeps what they send as FOLDER/SIGNAL.binpb. `compare SENT GIVEN` prints
the records of each signal that one of two folders has and the other has not."""

from __future__ import annotations

import base64
import collections
import json
import sys
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
# What records stand in, and what the points of a metric stand in.
LISTS = {
    *("resource_spans", "scope_spans", "spans", "resource_logs", "scope_logs", "log_records"),
    *("resource_metrics", "scope_metrics", "metrics", "data_points"),
}
KINDS = {"gauge", "sum", "histogram", "exponential_histogram", "summary"}


def send(protocol: str, endpoint: str, folder: Path) -> None:
    from opentelemetry import trace
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
    from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, TraceState

    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        options: list[dict[str, Any]] = [{"endpoint": endpoint, "insecure": True}] * 3
    else:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        options = [{"endpoint": f"{endpoint}/v1/{signal}"} for signal in REQUESTS]

    def keeping(exporter: Any, signal: str, encode: Any) -> Any:
        exports = exporter.export

        def export(batch: Any, *arguments: Any, **named: Any) -> Any:
            with (folder / f"{signal}.binpb").open("ab") as file:
                # Requests one after the other are one request that has the resources of all.
                file.write(encode(batch).SerializeToString())
            return exports(batch, *arguments, **named)

        exporter.export = export
        return exporter

    values: dict[str, Any] = {
        "text": "ä🚀\0 \u202e",
        "empty": "",
        "least": -(2**63),
        "most": 2**63 - 1,
        "zero": 0,
        "no": False,
        "half": 0.5,
        "small": 5e-324,
        "minus zero": -0.0,
        "large": float("inf"),
        "low": float("-inf"),
        "none": float("nan"),
        "texts": ["a", "", "c"],
        "numbers": [1, -2],
        "fractions": [0.1, float("nan"), float("inf")],
        "flags": [True, False],
        "nothing": [],
    }
    resource = Resource(
        {"service.name": "shop", **values}, "https://opentelemetry.io/schemas/1.37.0"
    )
    tracers = TracerProvider(
        resource=resource, span_limits=SpanLimits(max_events=3, max_links=2, max_span_attributes=20)
    )
    spans = keeping(OTLPSpanExporter(**options[0]), "traces", encode_spans)
    tracers.add_span_processor(BatchSpanProcessor(spans))
    loggers = LoggerProvider(resource=resource)
    logs = keeping(OTLPLogExporter(**options[1]), "logs", encode_logs)
    loggers.add_log_record_processor(BatchLogRecordProcessor(logs))
    metrics = keeping(OTLPMetricExporter(**options[2]), "metrics", encode_metrics)
    meters = MeterProvider(
        [PeriodicExportingMetricReader(metrics, 3_600_000)],
        resource,
        exemplar_filter=AlwaysOnExemplarFilter(),
        views=[
            View(instrument_name="size", aggregation=ExponentialBucketHistogramAggregation(20)),
            View(instrument_name="duration", attribute_keys={"route"}),
        ],
    )

    schema = "https://opentelemetry.io/schemas/1.36.0"
    scope = ("shop.orders", "1.2", schema)
    tracer = tracers.get_tracer(*scope, attributes={"edition": "late", "weight": 1.5})
    logger = loggers.get_logger("shop.orders", "1.2", schema, {"edition": "late"})
    meter = meters.get_meter("shop.orders", "1.2", schema, {"edition": "late"})
    requests = meter.create_counter("requests", unit="{request}", description="Answered")
    durations = meter.create_histogram("duration", unit="ms")
    sizes = meter.create_histogram("size", unit="By")
    orders = meter.create_up_down_counter("orders.open")
    heat = meter.create_gauge("heat", unit="Cel")
    seen = [Observation(2**53 + 1, {"kind": "whole"}), Observation(-0.5, {"kind": "part"})]
    meter.create_observable_counter("seen", [lambda options: seen])

    remote = SpanContext(
        0x0AF7651916CD43DD8448EB211C80319C,
        0xB7AD6B7169203331,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState([("vendor", "1"), ("other", "a=b")]),
    )
    context = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    links = [Link(remote, {"why": "retry"}), Link(remote, {}), Link(remote, {"n": 3})]
    kinds = list(SpanKind)
    with tracer.start_as_current_span("serve", context, kinds[1], values, links) as span:
        span.set_attributes({f"more {number}": number for number in range(9)})
        for number in range(5):
            span.add_event(f"event {number}", {**values, "number": number})
        requests.add(3, {"code": 200})
        orders.add(-2, {"code": 500})
        for number in (0, 0.001, 1, 77.7, 1e9):
            durations.record(number, {"route": "/", "customer": f"c-{number}"})
            sizes.record(number, {"route": "/"})
        heat.set(float("nan"), {"at": "nowhere"})
        heat.set(-273.15, values)
        for kind in kinds:
            with tracer.start_as_current_span(f"work {kind.name}", kind=kind) as work:
                work.set_status(trace.StatusCode.OK)
        try:
            with tracer.start_as_current_span("fails"):
                raise ValueError("no such order")
        except ValueError:
            pass
        body = {
            "nested": {"list": [1, "two", None, [b"\x00\xff", {}]]},
            "bytes": b"\x80",
            "none": None,
        }
        nested = {"nested": body, "raw": b"", "nothing": None}
        logger.emit(
            LogRecord(
                timestamp=1,
                observed_timestamp=2**63,
                severity_text="WARN2",
                severity_number=SeverityNumber.WARN2,
                body=body,
                attributes={**values, **nested},
                event_name="order.refused",
            )
        )
    logger.emit(LogRecord(observed_timestamp=3, body="outside of any span"))
    logger.emit(LogRecord(timestamp=4, body=float("inf")))
    loggers.get_logger("").emit(LogRecord(timestamp=5))
    meters.force_flush()
    requests.add(2**40, {"code": 200})
    for provider in (tracers, loggers, meters):
        provider.shutdown()


def read(folder: Path, signal: str) -> Any:
    request = REQUESTS[signal]()
    binary = folder / f"{signal}.binpb"
    if binary.exists():
        request.ParseFromString(binary.read_bytes())
        return request
    for line in (folder / f"{signal}.jsonl").read_text(encoding="utf-8").splitlines():
        json_format.ParseDict(with_plain_ids(json.loads(line)), part := REQUESTS[signal]())
        request.MergeFrom(part)
    return request


def with_plain_ids(node: Any) -> Any:
    """OTLP writes ids in hexadecimal digits where JSON of protobuf has bytes in Base64."""
    if isinstance(node, list):
        return [with_plain_ids(it) for it in node]
    if not isinstance(node, dict):
        return node
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode()
        if key in ("traceId", "spanId", "parentSpanId") and isinstance(value, str)
        else with_plain_ids(value)
        for key, value in node.items()
    }


def records(request: Any) -> collections.Counter[str]:
    """Each span, log record and data point with everything that it stands in."""
    found: collections.Counter[str] = collections.Counter()

    def go(message: Any, around: str) -> None:
        """Lists that say only what records stand in are walked, whatever else is kept."""
        own, parts = type(message)(), []
        own.CopyFrom(message)
        for field, value in message.ListFields():
            if field.name in LISTS:
                parts += value
                own.ClearField(field.name)
            elif field.name in KINDS and field.message_type is not None:
                parts.append(value)
                getattr(own, field.name).Clear()
        told = f"{around}\n{type(message).__name__} {own}"
        if not parts:
            found[told] += 1
        for part in parts:
            go(part, told)

    go(request, "")
    return found


def compare(sent: Path, given: Path) -> None:
    for signal in REQUESTS:
        one, other = records(read(sent, signal)), records(read(given, signal))
        print(signal, one.total(), "sent", other.total(), "given")
        for record in one - other:
            print("NOT GIVEN BACK", record)
        for record in other - one:
            print("NEVER SENT", record)


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    else:
        compare(Path(sys.argv[2]), Path(sys.argv[3]))
