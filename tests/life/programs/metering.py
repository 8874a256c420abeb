"""What the programs that measure start with: a provider with a periodic reader and OTLP.

The endpoint comes from OTEL_EXPORTER_OTLP_ENDPOINT; LIFE_PROTOCOL chooses gRPC or HTTP.
"""

import os

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource


def exporter(**options):
    if os.environ.get("LIFE_PROTOCOL", "grpc") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    else:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    return OTLPMetricExporter(**options)


def start(*, interval_millis=3_600_000, readers=(), **options):
    """A provider that exports when it is flushed or shut down, or at the interval given."""
    reader = PeriodicExportingMetricReader(exporter(), export_interval_millis=interval_millis)
    resource = Resource.create({"service.name": "life"})
    return MeterProvider([reader, *readers], resource=resource, **options)
