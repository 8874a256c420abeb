"""Sets telemetry up for a service: what it is, how its spans, metrics and log records leave, and
what every service measures alike. The imports are the official ones; Oxitel is what they find."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Flask, Response, request
from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from tally import LogTally, SpanTally

P = ParamSpec("P")
R = TypeVar("R")


def set_up_telemetry(service_name: str, service_version: str) -> None:
    """Makes the process's providers of all three signals and sets them globally.

    Everything goes over gRPC to OTEL_EXPORTER_OTLP_ENDPOINT (default http://localhost:4317); what
    is still waiting when the process exits is delivered then. With TALLIES naming a folder, spans
    and log records are counted there as well.
    """
    resource = Resource.create(
        {
            "service.name": service_name,
            "service.version": service_version,
            "deployment.environment": os.environ.get("DEPLOYMENT_ENVIRONMENT", "development"),
        }
    )
    tallies = os.environ.get("TALLIES")
    # The metrics come first, and so are the last to be sent at the exit: what the SDK counts of
    # the other two signals, if asked to, is complete by then.
    set_up_metrics(resource)
    set_up_tracing(resource, SpanTally(tallies, service_name) if tallies else None)
    set_up_logging(resource, LogTally(tallies, service_name) if tallies else None)


def set_up_metrics(resource: Resource) -> None:
    """Metrics are collected every OTEL_METRIC_EXPORT_INTERVAL milliseconds (default a minute)."""
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(insecure=True))
    # Orders take from milliseconds to seconds: buckets that find their own width.
    durations = View(
        instrument_name="*.processing_duration",
        aggregation=ExponentialBucketHistogramAggregation(),
    )
    provider = MeterProvider(metric_readers=[reader], resource=resource, views=[durations])
    metrics.set_meter_provider(provider)


def set_up_tracing(resource: Resource, tally: SpanTally | None) -> None:
    provider = TracerProvider(resource=resource)
    if tally is not None:
        provider.add_span_processor(tally)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(insecure=True)))
    trace.set_tracer_provider(provider)


def set_up_logging(resource: Resource, tally: LogTally | None) -> None:
    """Log records get the ids of the span they are written in: in the text on standard error, and
    as OTLP by the handler that the instrumentation adds to the root logger."""
    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(insecure=True)))
    set_logger_provider(provider)
    LoggingInstrumentor().instrument(set_logging_format=True)
    if tally is not None:
        logging.getLogger().addHandler(tally)


def count_requests(app: Flask) -> None:
    """Counts the requests that an application answers, but for those of its health."""
    meter = metrics.get_meter("examples")
    requests = meter.create_counter(
        "http.server.requests", unit="{request}", description="Requests answered"
    )

    @app.after_request
    def count(response: Response) -> Response:
        if request.path != "/health":
            requests.add(
                1,
                {
                    "http.method": request.method,
                    "http.status_code": response.status_code,
                    "http.route": request.path,
                },
            )
        return response


def traced(
    name: str | None = None, **attributes: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Gives every call of the decorated function a span of its own.

    The span is called `name`, or like the function. An exception that leaves the function is
    recorded in it, makes its status an error and goes on to the caller.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        tracer = trace.get_tracer(function.__module__)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with tracer.start_as_current_span(name or function.__name__, attributes=attributes):
                return function(*args, **kwargs)

        return call

    return decorate
