"""A Flask application that counts its requests; `asgi_metrics` is the same for ASGI servers."""

import os

import flask
from metering import start

meter = start(interval_millis=200).get_meter("web")
requests = meter.create_counter("requests")
duration = meter.create_histogram("duration", unit="s")

application = flask.Flask(__name__)


@application.get("/orders/<int:number>")
def work(number):
    requests.add(1, {"pid": os.getpid()})
    duration.record(number / 1000, {"pid": os.getpid()})
    return {"pid": os.getpid()}
