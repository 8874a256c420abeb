"""Sets tracing up for a service: what it is, how its spans leave, and a decorator for functions
that are worth a span. The imports are the official ones; Oxitel is what they find."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from span_counter import SpanCounter

P = ParamSpec("P")
R = TypeVar("R")


def set_up_tracing(service_name: str, service_version: str) -> TracerProvider:
    """Makes the process's tracer provider and sets it globally.

    Spans go over gRPC to OTEL_EXPORTER_OTLP_ENDPOINT (default http://localhost:4317). What is
    still queued when the process exits is delivered then. With SPAN_COUNTS naming a folder, the
    spans are counted there as well.
    """
    resource = Resource.create(
        {
            "service.name": service_name,
            "service.version": service_version,
            "deployment.environment": os.environ.get("DEPLOYMENT_ENVIRONMENT", "development"),
        }
    )
    folder = os.environ.get("SPAN_COUNTS")
    # Before the provider, so that what it registers for the exit of the process runs earlier.
    counter = SpanCounter(folder, service_name) if folder else None
    provider = TracerProvider(resource=resource)
    batches = BatchSpanProcessor(OTLPSpanExporter(insecure=True))
    if counter is not None:
        provider.add_span_processor(counter)
        counter.watch(batches)
    provider.add_span_processor(batches)
    trace.set_tracer_provider(provider)
    return provider


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
            with tracer.start_as_current_span(function.__name__, attributes=attributes):
                return function(*args, **kwargs)

        return call

    return decorate
