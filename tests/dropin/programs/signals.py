"""What the tutorial's chapter imports, and the three signals by each way in: exporters, processors
written in Python, instrumentations, log records with and without an exception."""

import logging
import sqlite3

import httpx
import requests
from flask import Flask
from opentelemetry import baggage, context, metrics, propagate, trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger, set_logger_provider
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import create_engine, text

resource = Resource.create({"service.name": "versions", "tags": ["a", "b"]})
in_memory, logged = InMemorySpanExporter(), InMemoryLogRecordExporter()

tracers = TracerProvider(resource=resource)
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracers.add_span_processor(SimpleSpanProcessor(in_memory))
trace.set_tracer_provider(tracers)
reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=3_600_000)
meters = MeterProvider(resource=resource, metric_readers=[reader])
metrics.set_meter_provider(meters)
loggers = LoggerProvider(resource=resource)
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
loggers.add_log_record_processor(SimpleLogRecordProcessor(logged))
set_logger_provider(loggers)

app = Flask("versions")
engine = create_engine("sqlite://")
LoggingInstrumentor().instrument()
FlaskInstrumentor().instrument_app(app)
FastAPIInstrumentor().instrument()
SQLAlchemyInstrumentor().instrument(engine=engine)
for instrumentor in (HTTPXClientInstrumentor, RequestsInstrumentor, SQLite3Instrumentor):
    instrumentor().instrument()

tracer = trace.get_tracer("versions", "1.0")
meter = metrics.get_meter("versions")
counter = meter.create_counter("orders")
histogram = meter.create_histogram("seconds", explicit_bucket_boundaries_advisory=[0.1, 1])
meter.create_observable_gauge("depth", [lambda options: [metrics.Observation(3)]])


@app.route("/order/<int:number>")
def order(number: int) -> str:
    sqlite3.connect(":memory:").execute("SELECT 1").fetchall()
    with engine.connect() as connection:
        connection.execute(text("SELECT 2"))
    logging.getLogger("shop").warning("order %d", number, extra={"number": number})
    counter.add(number, {"kind": "web"})
    histogram.record(0.5)
    return baggage.get_baggage("customer") or ""


def fail() -> None:
    with tracer.start_as_current_span("fail"):
        raise ValueError("no")


with tracer.start_as_current_span("work", attributes={"a": 1, "list": [1.5, 2.5]}) as span:
    span.add_event("began", {"step": 1})
    token = context.attach(baggage.set_baggage("customer", "42"))
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    context.detach(token)
    for get in (requests.get, httpx.get):
        try:
            get("http://127.0.0.1:9/")
        except Exception:
            pass
    try:
        fail()
    except ValueError:
        logging.getLogger("shop").exception("failed")

answer = app.test_client().get("/order/7", headers=carrier)
assert answer.text == "42", answer.text

logger = get_logger("direct")
logger.emit(LogRecord(body={"k": [1, b"x", None]}, severity_number=SeverityNumber.INFO))
logger.emit(body="by name", attributes={"deep": {"a": 1}, "raw": b"x"}, event_name="named")
try:
    raise KeyError("gone")
except KeyError as error:
    logger.emit(body="raised", exception=error)

for provider in (tracers, meters, loggers):
    assert provider.force_flush()
    provider.shutdown()

seen = {span.name: dict(span.attributes or {}) for span in in_memory.get_finished_spans()}
assert seen["work"] == {"a": 1, "list": (1.5, 2.5)}, seen["work"]
records = [item.log_record for item in logged.get_finished_logs()]
assert {record.body for record in records if isinstance(record.body, str)} >= {"by name", "raised"}
by_name = next(record for record in records if record.body == "by name")
assert by_name.attributes == {"deep": {"a": 1}, "raw": b"x"}, dict(by_name.attributes)

# Until 1.43 the API had events, which are log records too.
try:
    from opentelemetry.sdk import _events
except ImportError:
    pass
else:
    from opentelemetry._events import Event

    kept = InMemoryLogRecordExporter()
    events = LoggerProvider(resource=resource)
    events.add_log_record_processor(SimpleLogRecordProcessor(kept))
    _events.EventLoggerProvider(events).get_event_logger("events").emit(
        Event("choice", body={"a": 1}, attributes={"x": 1})
    )
    (event,) = kept.get_finished_logs()
    assert event.log_record.attributes == {"x": 1, "event.name": "choice"}
