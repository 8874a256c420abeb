"""The OTLP exporter for spans over HTTP with protobuf bodies.

Official name: `opentelemetry.exporter.otlp.proto.http.trace_exporter.OTLPSpanExporter`.
"""

from __future__ import annotations

from logging import getLogger

from oxitel.export.http import HttpExporter
from oxitel.export.otlp import unchanged_is_native
from oxitel.official_name import official

from .otlp import OtlpSpans

DEFAULT_TRACES_EXPORT_PATH = "v1/traces"


@official("opentelemetry.exporter.otlp.proto.http.trace_exporter")
@unchanged_is_native
class OTLPSpanExporter(HttpExporter, OtlpSpans):
    """Sends spans to an OTLP receiver over HTTP; the arguments are those of HttpExporter."""

    _logger = getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")
