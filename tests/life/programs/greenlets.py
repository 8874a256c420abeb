"""A Flask application on gevent or eventlet (LIFE_GREENLETS), instrumented; all three signals are
exported, and every span and record has the order's number. Every order asks its own server for the
stock, and makes spans on a thread, in a pool and on greenlets.
"""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import flask
import log_records
import metering
import requests as client
import sqlalchemy
import tracing
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.threading import ThreadingInstrumentor

if os.environ["LIFE_GREENLETS"] == "gevent":
    from gevent import spawn, wait
else:
    from eventlet import spawn

    def wait(greenlets):
        for greenlet in greenlets:
            greenlet.wait()


meter = metering.start(interval_millis=200).get_meter("greenlets")
count = meter.create_counter("requests")
meter.create_observable_gauge("seen", [lambda options: time.sleep(0.001) or []])
log_records.start()
tracing.start()

application = flask.Flask(__name__)
engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
FlaskInstrumentor().instrument_app(application)
RequestsInstrumentor().instrument()
SQLAlchemyInstrumentor().instrument(engine=engine)
ThreadingInstrumentor().instrument()
pool = ThreadPoolExecutor(4)


class Number:
    """An attribute whose text other greenlets are let run for."""

    def __init__(self, number):
        self.number = number

    def __str__(self):
        time.sleep(0.001)
        return str(self.number)


def work(name, number, levels=0):
    """A span with a record, and two more of each on greenlets for each level."""
    with tracing.span(name, number=number):
        time.sleep(0.002)
        log_records.log.info(name, extra={"number": Number(number)})
        if levels:
            wait([spawn(work, name, number, levels - 1) for _ in range(2)])


@application.get("/orders/<int:number>")
def order(number):
    trace.get_current_span().set_attribute("number", number)
    count.add(1, {"pid": os.getpid()})
    thread = threading.Thread(target=work, args=("thread", number))
    thread.start()
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("select 1")).scalar()
    wait([spawn(work, "greenlet", number, 1) for _ in range(2)])
    pool.submit(work, "task", number).result()
    answer = client.get(f"{flask.request.host_url}stock/{number}", timeout=20)
    thread.join()
    return {"pid": os.getpid(), "stock": answer.json()["stock"]}


@application.get("/stock/<int:number>")
def stock(number):
    trace.get_current_span().set_attribute("number", number)
    work("stock", number)
    return {"stock": number}
