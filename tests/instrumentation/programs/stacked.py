"""Requests, calls and statements of many libraries, with another tracer before ours, after it, or
none: `stacked.py none|sentry|ddtrace before|after`. Prints what our spans say, part by part, then
what is recorded after everything was switched off again."""

import asyncio
import logging
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import oxitel.auto  # noqa: F401  contrib's instrumentations may be installed too

OTHER, ORDER = sys.argv[1:]
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
instrumentors = []


def switch_other_on():
    if OTHER == "sentry":
        import sentry_sdk
        from sentry_sdk.transport import Transport

        class Nowhere(Transport):
            def capture_envelope(self, envelope):
                pass

        sentry_sdk.init(dsn="http://k@localhost:1/1", traces_sample_rate=1.0, transport=Nowhere)
    elif OTHER == "ddtrace":
        os.environ["DD_TRACE_AGENT_URL"] = "http://127.0.0.1:1"
        os.environ["DD_INSTRUMENTATION_TELEMETRY_ENABLED"] = "false"
        # Not a `traceparent` of its own.
        os.environ["DD_TRACE_PROPAGATION_STYLE"] = "datadog"
        logging.getLogger("ddtrace").setLevel(logging.CRITICAL)
        import ddtrace.auto  # noqa: F401


def switch_ours_on():
    for point in distribution("oxitel").entry_points.select(group="opentelemetry_instrumentor"):
        if point.name != "logging":
            instrumentor = point.load()()
            instrumentor.instrument(skip_dep_check=True)
            instrumentors.append(instrumentor)


def flask_application():
    from flask import Flask

    app = Flask("shop")

    @app.get("/orders/<int:number>")
    def order(number):
        return {"order": number}

    @app.get("/bad")
    def bad():
        raise ValueError("bad")

    client = app.test_client()
    return [client.get(path).status_code for path in ("/orders/1", "/bad", "/none")]


def fastapi_application():
    import httpx
    from fastapi import FastAPI

    # Not what FastAPI records by itself.
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/orders/{number}")
    async def order(number: int):
        return {"order": number}

    @app.get("/bad")
    async def bad():
        raise ValueError("bad")

    async def ask():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return [(await client.get(path)).status_code for path in ("/orders/1", "/bad", "/none")]

    return asyncio.run(ask())


def django_application():
    import django
    from django.conf import settings
    from django.db import connection
    from django.http import HttpResponse
    from django.test import Client
    from django.urls import path

    def order(request, number):
        return HttpResponse(b"order")

    def bad(request):
        raise ValueError("bad")

    class Urls:
        urlpatterns = (path("orders/<int:number>", order), path("bad", bad))

    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    settings.configure(ROOT_URLCONF=Urls, ALLOWED_HOSTS=["*"], DATABASES={"default": database})
    django.setup()
    client = Client(raise_request_exception=False)
    answers = [client.get(path).status_code for path in ("/orders/1", "/bad", "/none")]
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return answers


def http_clients():
    import aiohttp
    import httpx
    import requests
    import urllib3

    traced = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            traced.append("traceparent" in self.headers)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments):
            pass

    async def ask():
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return await response.text()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/page"
    pool = urllib3.PoolManager()
    texts = [requests.get(url).text, pool.request("GET", url).data.decode(), httpx.get(url).text]
    texts.append(asyncio.run(ask()))
    server.shutdown()
    return texts, traced


def databases():
    import sqlite3

    import sqlalchemy

    connection = sqlite3.connect(":memory:")
    connection.execute("create table orders (number)")
    connection.executemany("insert into orders values (?)", [(1,), (2,)])
    rows = list(connection.execute("select number from orders"))
    with sqlalchemy.create_engine("sqlite://").connect() as other:
        return rows, other.execute(sqlalchemy.text("select 1")).scalar()


def celery_task():
    from celery import Celery

    app = Celery(broker="memory://")
    app.conf.task_always_eager = True

    @app.task
    def add():
        return 3

    return add.delay().get()


def recorded():
    spans = exporter.get_finished_spans()
    exporter.clear()
    return sorted((span.name, span.kind.name, span.status.status_code.name) for span in spans)


steps = (switch_other_on, switch_ours_on)
for step in steps if ORDER == "before" else reversed(steps):
    step()
for part in (
    flask_application,
    fastapi_application,
    django_application,
    http_clients,
    databases,
    celery_task,
):
    print(part.__name__, part(), recorded())
for instrumentor in instrumentors:
    instrumentor.uninstrument()
for part in (flask_application, fastapi_application, http_clients, databases):
    print("afterwards", part.__name__, part(), recorded())
