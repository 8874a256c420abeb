"""A Flask request by the test client with contrib's Flask instrumentation, over one without it."""

from framework_apps import make_flask
from measure import measure
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from pipeline import make_provider

provider = make_provider()
instrumented, plain = make_flask(), make_flask()
FlaskInstrumentor.instrument_app(instrumented, tracer_provider=provider)
client, plain_client = instrumented.test_client(), plain.test_client()


def work(count: int) -> None:
    for number in range(count):
        client.get(f"/orders/{number}")


def empty(count: int) -> None:
    for number in range(count):
        plain_client.get(f"/orders/{number}")


measure(provider, work, empty)
