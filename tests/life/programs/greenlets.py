"""A Flask application on greenlets, instrumented; every order asks the same server for its stock.

LIFE_GREENLETS says when `threading` and its like are replaced: by the server before this module is
imported, or by this module after Oxitel was imported ("late", with the library's name).
All three signals are exported; each span and record has the order's number.
"""

import logging
import os
import time

import log_records
import metering
import tracing
from opentelemetry.instrumentation.threading import ThreadingInstrumentor

LIBRARY = os.environ["LIFE_GREENLETS"]
meter = metering.start(interval_millis=200).get_meter("greenlets")
log_records.start()
tracing.start()
ThreadingInstrumentor().instrument()

if LIBRARY == "late gevent":
    from gevent import monkey

    monkey.patch_all()
elif LIBRARY == "late eventlet":
    import eventlet

    eventlet.monkey_patch()

import threading  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402

import flask  # noqa: E402
import requests as client  # noqa: E402
import sqlalchemy  # noqa: E402
from opentelemetry import trace  # noqa: E402
from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: E402
from opentelemetry.instrumentation.requests import RequestsInstrumentor  # noqa: E402
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor  # noqa: E402

logging.getLogger("urllib3").setLevel(logging.WARNING)
application = flask.Flask(__name__)
FlaskInstrumentor().instrument_app(application)
RequestsInstrumentor().instrument()
engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
SQLAlchemyInstrumentor().instrument(engine=engine)
count = meter.create_counter("requests")
meter.create_observable_gauge("seen", [lambda options: time.sleep(0.001) or []])
pool = ThreadPoolExecutor(4)


def side_by_side(functions):
    """Run the functions at once, on the library's own greenlets."""
    if "gevent" in LIBRARY:
        import gevent

        for greenlet in [gevent.spawn(function) for function in functions]:
            greenlet.get()
    else:
        import eventlet

        for greenlet in [eventlet.spawn(function) for function in functions]:
            greenlet.wait()


class Number:
    """An attribute whose text other greenlets are let run for."""

    def __init__(self, number):
        self.number = number

    def __str__(self):
        time.sleep(0.001)
        return str(self.number)


@application.get("/orders/<int:number>")
def order(number):
    trace.get_current_span().set_attribute("number", number)
    count.add(1, {"pid": os.getpid()})

    def step(name, level):
        with tracing.span(name, number=number):
            time.sleep(0.002)
            log_records.log.info(name, extra={"number": Number(number)})
            if level:
                side_by_side([lambda: step(name, level - 1)] * 2)

    thread = threading.Thread(target=step, args=("thread", 0))
    thread.start()
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("select :number"), {"number": number}).scalar()
    side_by_side([lambda: step("greenlet", 1)] * 2)
    pool.submit(step, "task", 0).result()
    answer = client.get(f"{flask.request.host_url}stock/{number}", timeout=10)
    thread.join()
    return {"pid": os.getpid(), "stock": answer.json()["stock"]}


@application.get("/stock/<int:number>")
def stock(number):
    trace.get_current_span().set_attribute("number", number)
    with tracing.span("stock", number=number):
        time.sleep(0.001)
        return {"stock": number}
