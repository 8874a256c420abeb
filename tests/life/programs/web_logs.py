"""A Flask application that logs in each request, inside a span, with attributes that need work."""

import os
import time

import flask
import log_records
import tracing

log_records.start()
tracing.start()
application = flask.Flask(__name__)


class Slow:
    """Lets other threads run while a record is being handled, and logs itself."""

    def __str__(self):
        time.sleep(0.001)
        log_records.log.info("from inside")
        return "slow"


@application.get("/orders/<int:number>")
def work(number):
    with tracing.span("request", number=number):
        log_records.log.info("order %d", number, extra={"slow": Slow(), "pid": os.getpid()})
        return {"pid": os.getpid()}
