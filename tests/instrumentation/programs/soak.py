"""Serves so many requests, each with a call and a statement inside, and prints the resident memory
in KiB when a fifth of them are done, and when all are: `soak.py COUNT ENDPOINT`."""

import asyncio
import sqlite3
import sys

import httpx
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from oxitel.instrumentation.fastapi import FastAPIInstrumentor
from oxitel.instrumentation.flask import FlaskInstrumentor
from oxitel.instrumentation.httpx import HTTPXClientInstrumentor
from oxitel.instrumentation.sqlite3 import SQLite3Instrumentor

COUNT, ENDPOINT = int(sys.argv[1]), sys.argv[2]
spans = TracerProvider()
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{ENDPOINT}/v1/traces")))
trace.set_tracer_provider(spans)
exporter = OTLPMetricExporter(f"{ENDPOINT}/v1/metrics")
readings = PeriodicExportingMetricReader(exporter, export_interval_millis=500)
metrics.set_meter_provider(MeterProvider([readings]))
for kind in (FlaskInstrumentor, FastAPIInstrumentor, HTTPXClientInstrumentor, SQLite3Instrumentor):
    kind().instrument()

import flask  # noqa: E402
from fastapi import FastAPI  # noqa: E402

connection = sqlite3.connect(":memory:")
shop = flask.Flask("shop")
stock = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
prices = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200)))


def look_up(number):
    prices.get(f"http://prices/{number}")
    if number % 7 == 3:
        raise ValueError(number)
    return connection.execute(f"select {number} as number").fetchone()[0]


@shop.get("/orders/<int:number>")
def order(number):
    return {"order": look_up(number)}


@stock.get("/items/{number}")
async def item(number: int):
    return {"item": look_up(number)}


def resident():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def serve():
    shop.logger.disabled = True
    plain = shop.test_client()
    transport = httpx.ASGITransport(stock, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://stock") as client:
        for number in range(COUNT):
            if number == COUNT // 5:
                print(resident())
            expected = 500 if number % 7 == 3 else 200
            if number % 2:
                assert plain.get(f"/orders/{number}").status_code == expected
            else:
                assert (await client.get(f"/items/{number}")).status_code == expected


asyncio.run(serve())
print(resident())
