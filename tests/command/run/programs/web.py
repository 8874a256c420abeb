"""A Flask application that knows nothing of instrumentations, exporters and providers."""

import os

import orders
from flask import Flask

application = Flask(__name__)


@application.get("/orders/<int:number>")
def work(number):
    orders.take()
    return {"pid": os.getpid()}


@application.get("/pid")
def pid():
    return {"pid": os.getpid()}
