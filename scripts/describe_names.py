"""Says as JSON which names on standard input are there, and what attributes the SDK's objects
have. Runs in either environment, for scripts/render_names_others_use.py.
"""

import importlib
import json
import logging
import os
import sys
import warnings
from typing import Any


def is_there(name: str) -> bool:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def attributes() -> dict[str, list[str]]:
    from opentelemetry.exporter.otlp.proto import grpc, http
    from opentelemetry.sdk._logs import LoggerProvider, export as logs_export
    from opentelemetry.sdk.metrics import MeterProvider, export as metrics_export
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider, export, sampling
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    found: dict[str, Any] = {}
    for protocol, package, options in (
        ("http", http, {"endpoint": "http://127.0.0.1:9"}),
        ("grpc", grpc, {"insecure": True}),
    ):
        for module, name in (
            ("trace_exporter", "OTLPSpanExporter"),
            ("_log_exporter", "OTLPLogExporter"),
            ("metric_exporter", "OTLPMetricExporter"),
        ):
            exporters = importlib.import_module(f"{package.__name__}.{module}")
            found[f"{protocol} {name}"] = getattr(exporters, name)(**options)
    provider = TracerProvider(resource=Resource.create({}), shutdown_on_exit=False)
    memory = InMemorySpanExporter()
    batch = export.BatchSpanProcessor(found["http OTLPSpanExporter"])
    for processor in (export.SimpleSpanProcessor(memory), batch):
        provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    tracer.start_span("ended").end()
    logs = LoggerProvider(shutdown_on_exit=False)
    log_batch = logs_export.BatchLogRecordProcessor(found["http OTLPLogExporter"])
    logs.add_log_record_processor(log_batch)
    reader = metrics_export.InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    meter = meters.get_meter("m")
    found |= {
        "TracerProvider": provider,
        "Tracer": tracer,
        "Span": tracer.start_span("live"),
        "ReadableSpan": memory.get_finished_spans()[0],
        "SynchronousMultiSpanProcessor": provider._active_span_processor,
        "BatchSpanProcessor": batch,
        "BatchSpanProcessor._batch_processor": batch._batch_processor,
        "SimpleSpanProcessor": export.SimpleSpanProcessor(memory),
        "InMemorySpanExporter": memory,
        "LoggerProvider": logs,
        "Logger": logs.get_logger("l"),
        "SynchronousMultiLogRecordProcessor": logs._multi_log_record_processor,
        "BatchLogRecordProcessor": log_batch,
        "BatchLogRecordProcessor._batch_processor": log_batch._batch_processor,
        "MeterProvider": meters,
        "Meter": meter,
        "Counter": meter.create_counter("c"),
        "InMemoryMetricReader": reader,
        "PeriodicExportingMetricReader": metrics_export.PeriodicExportingMetricReader(
            found["http OTLPMetricExporter"], export_interval_millis=float("inf")
        ),
        "Resource": provider.resource,
        "ParentBased": sampling.ParentBased(sampling.TraceIdRatioBased(0.5)),
        "TraceIdRatioBased": sampling.TraceIdRatioBased(0.5),
    }
    return {
        kind: sorted({*dir(value), *getattr(value, "__dict__", ())})
        for kind, value in found.items()
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    names = json.load(sys.stdin)
    print(json.dumps({"there": {name: is_there(name) for name in names}, "objects": attributes()}))
    sys.stdout.flush()
    # The threads of the official processors would be waited for.
    os._exit(0)
