"""What every program of these tests starts with: a provider with a batch processor and OTLP.

The endpoint comes from OTEL_EXPORTER_OTLP_ENDPOINT, as in production; LIFE_PROTOCOL chooses gRPC or
HTTP, and LIFE_SERVICE a name. `spans(name, count)` makes spans that the test counts by name.
"""

import os
import time

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def exporter(**options):
    if os.environ.get("LIFE_PROTOCOL", "grpc") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    return OTLPSpanExporter(**options)


def start(*, processors=(), provider_options=None, **batch_options):
    """A provider with the processors given and a batch processor, set as the global one."""
    resource = Resource.create({"service.name": os.environ.get("LIFE_SERVICE", "life")})
    provider = TracerProvider(resource=resource, **(provider_options or {}))
    for processor in processors:
        provider.add_span_processor(processor)
    provider.add_span_processor(BatchSpanProcessor(exporter(), **batch_options))
    trace.set_tracer_provider(provider)
    return provider


tracer = trace.get_tracer("life")


def span(name, **attributes):
    return tracer.start_as_current_span(name, attributes=attributes)


def spans(name, count=1, pause=0.0):
    for index in range(count):
        with span(name, index=index, pid=os.getpid()):
            pass
        if pause:
            time.sleep(pause)


def now():
    """Seconds on a clock that all processes of the machine share."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def say_now(word):
    print(word, now(), flush=True)
