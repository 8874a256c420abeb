"""A Flask application that logs: three records a request, one of them with an attribute that has
to be asked for its text."""

import os

import flask
import tracing

import logs

logs.start()
application = flask.Flask(__name__)


class Customer:
    def __init__(self, number):
        self.number = number

    def __str__(self):
        logs.log.info("asked %d", self.number)
        return f"customer {self.number}"


@application.get("/orders/<int:number>")
def work(number):
    with tracing.span("request", number=number):
        logs.log.info("begin %d", number, extra={"order.number": number, "pid": os.getpid()})
        logs.log.info("end %d", number, extra={"customer": Customer(number)})
        return {"pid": os.getpid()}
