"""The exporting pipeline of a benchmark program, by the official imports alone.

Which packages answer to those imports depends on the environment the program runs in.
`BENCHMARK_TRANSPORT` chooses: `grpc`, `http`, `fastotel` (its processor in place of the batch
processor and exporter) or `noop` (the API without an SDK).
"""

from __future__ import annotations

import os
from typing import Any

from opentelemetry import trace

TRANSPORT = os.environ.get("BENCHMARK_TRANSPORT", "grpc")
QUEUE = int(os.environ.get("BENCHMARK_QUEUE", "400000"))


def make_processor() -> Any:
    if TRANSPORT == "fastotel":
        from fastotel import OTLPSpanProcessor

        return OTLPSpanProcessor(max_queue_size=QUEUE)
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if TRANSPORT == "http":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=QUEUE)
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
        OTLPSpanExporter as GrpcSpanExporter,
    )

    return BatchSpanProcessor(GrpcSpanExporter(insecure=True), max_queue_size=QUEUE)


def make_provider(sampler: Any = None) -> Any:
    """The provider, already set as the global one; its own no-op class for `noop`."""
    if TRANSPORT == "noop":
        provider: Any = trace.NoOpTracerProvider()
    else:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        resource = Resource.create({"service.name": "benchmark"})
        provider = TracerProvider(resource=resource, sampler=sampler)
        provider.add_span_processor(make_processor())
    trace.set_tracer_provider(provider)
    return provider


def make_meter_provider() -> Any:
    """The meter provider with a periodic reader that collects when it is flushed."""
    from opentelemetry import metrics

    if TRANSPORT == "noop":
        return metrics.NoOpMeterProvider()
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    if TRANSPORT == "http":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        exporter: Any = OTLPMetricExporter()
    else:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
            OTLPMetricExporter as GrpcMetricExporter,
        )

        exporter = GrpcMetricExporter(insecure=True)
    reader = PeriodicExportingMetricReader(exporter)
    resource = Resource.create({"service.name": "benchmark"})
    provider = MeterProvider(metric_readers=[reader], resource=resource)
    metrics.set_meter_provider(provider)
    return provider


def make_logger_provider() -> Any:
    """The logger provider with a batch processor, already set as the global one."""
    from opentelemetry import _logs

    if TRANSPORT == "noop":
        return _logs.NoOpLoggerProvider()
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    if TRANSPORT == "http":
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

        exporter: Any = OTLPLogExporter()
    else:
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import (
            OTLPLogExporter as GrpcLogExporter,
        )

        exporter = GrpcLogExporter(insecure=True)
    provider = LoggerProvider(resource=Resource.create({"service.name": "benchmark"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=QUEUE))
    _logs.set_logger_provider(provider)
    return provider


def flush(provider: Any) -> None:
    if TRANSPORT != "noop" and provider.force_flush(120_000) is False:
        raise RuntimeError("force_flush did not deliver everything")


def close(provider: Any) -> None:
    if TRANSPORT != "noop":
        provider.shutdown()


def instrumentation(library: str, module: str = "") -> Any:
    """The instrumentation of a library: ours, by its own name where contrib's is installed too.
    `module` is where ours has what the official module has as well."""
    from importlib import import_module

    try:
        return import_module(f"oxitel.instrumentation.{module or library}")
    except ImportError:
        return import_module(f"opentelemetry.instrumentation.{library}")
