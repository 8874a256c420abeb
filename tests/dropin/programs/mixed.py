"""The three signals through what the imports find, over the protocol that the argument names."""

import sys
from importlib import import_module

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

PROTOCOL = f"opentelemetry.exporter.otlp.proto.{sys.argv[1]}"

tracers = TracerProvider()
exporter = import_module(f"{PROTOCOL}.trace_exporter").OTLPSpanExporter()
tracers.add_span_processor(BatchSpanProcessor(exporter))
with tracers.get_tracer("mixed").start_as_current_span("span", attributes={"list": [1, 2]}) as span:
    span.add_event("event")

exporter = import_module(f"{PROTOCOL}.metric_exporter").OTLPMetricExporter()
meters = MeterProvider([PeriodicExportingMetricReader(exporter)])
meter = meters.get_meter("mixed")
meter.create_counter("counter").add(3, {"a": "b"})
meter.create_histogram("histogram").record(2)

loggers = LoggerProvider()
exporter = import_module(f"{PROTOCOL}._log_exporter").OTLPLogExporter()
loggers.add_log_record_processor(BatchLogRecordProcessor(exporter))
loggers.get_logger("mixed").emit(LogRecord(body="body", severity_number=SeverityNumber.INFO))

for provider in (tracers, meters, loggers):
    provider.force_flush()
    provider.shutdown()
