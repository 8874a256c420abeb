"""A Flask application; each request makes a span with another inside it.

LIFE_SETUP says who sets up tracing: this module when it is imported, or a hook of the server.
"""

import os

import flask
import tracing

if os.environ.get("LIFE_SETUP", "import") == "import":
    tracing.start()

application = flask.Flask(__name__)


@application.get("/orders/<int:number>")
def work(number):
    with tracing.span("request", number=number, pid=os.getpid()), tracing.span("inside"):
        return {"pid": os.getpid()}
