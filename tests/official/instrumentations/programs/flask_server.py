"""opentelemetry-instrumentation-flask: its test client and a real WSGI server."""

from typing import Any

from declare import Run, program
from programs.both_sides import Sides, serve_wsgi


def make_app(run: Run, provider: Any, **options: Any) -> Any:
    from flask import Flask, abort, request
    from opentelemetry import trace
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    app = Flask("shop")
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider, **options)
    tracer = provider.get_tracer("shop", "1.0")

    @app.get("/orders/<int:number>")
    def order(number: int) -> dict[str, int]:
        span = trace.get_current_span()
        span.set_attribute("order.number", number)
        with tracer.start_as_current_span("load order") as inner:
            inner.add_event("loaded", {"rows": 1})
        return {"number": number}

    @app.post("/orders")
    def create() -> tuple[str, int]:
        return request.get_data(as_text=True), 201

    @app.get("/broken")
    def broken() -> str:
        raise ValueError("broken view")

    @app.get("/forbidden")
    def forbidden() -> str:
        abort(403)

    @app.get("/stream")
    def stream() -> Any:
        def parts() -> Any:
            yield "a"
            yield "b"

        return app.response_class(parts())

    @app.get("/health")
    def health() -> str:
        return "ok"

    return app


def visit(run: Run, client: Any) -> None:
    headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    for path in ("/orders/5", "/nowhere", "/broken", "/forbidden", "/stream", "/orders/5?a=b#c"):
        run.observe(path, client.get(path).status_code)
    run.observe("post", client.post("/orders", data="body").status_code)
    run.observe("remote parent", client.get("/orders/6", headers=headers).status_code)


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    log_level="CRITICAL",
)
def test_client(run: Run) -> None:
    run.measured("*duration*")
    app = make_app(run, run.provider(), meter_provider=run.meter_provider())
    visit(run, app.test_client())


@program(
    env={
        "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "health,forbid.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-one,x-many.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "content-type",
    },
    log_level="CRITICAL",
)
def excluded_and_captured(run: Run) -> None:
    client = make_app(run, run.provider()).test_client()
    for path in ("/health", "/forbidden", "/orders/1"):
        client.get(path, headers={"X-One": "1", "X-Many-A": "a", "X-Many-B": "b"})


@program()
def hooks(run: Run) -> None:
    def on_request(span: Any, environ: dict[str, Any]) -> None:
        if span and span.is_recording():
            span.set_attribute("hook.path", environ["PATH_INFO"])

    def on_response(span: Any, status: str, headers: list[tuple[str, str]]) -> None:
        if span and span.is_recording():
            span.set_attribute("hook.status", status)
            span.update_name("renamed")

    app = make_app(run, run.provider(), request_hook=on_request, response_hook=on_response)
    app.test_client().get("/orders/7")


@program()
def class_wide(run: Run) -> None:
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    provider = run.provider()
    FlaskInstrumentor().instrument(tracer_provider=provider)
    import flask

    app = flask.Flask("late")

    @app.get("/")
    def index() -> str:
        return "ok"

    app.test_client().get("/")
    FlaskInstrumentor().uninstrument()


@program(log_level="CRITICAL")
def a_real_server_called_by_requests(run: Run) -> None:
    import requests
    from opentelemetry.instrumentation.requests import RequestsInstrumentor

    sides = Sides(run)
    url = serve_wsgi(run, make_app(run, sides.server))
    RequestsInstrumentor().instrument(tracer_provider=sides.client)
    tracer = sides.client.get_tracer("caller")
    with tracer.start_as_current_span("caller"):
        for count, path in enumerate(("/orders/5", "/broken", "/nowhere"), 1):
            run.observe(path, requests.get(url + path, timeout=10).status_code)
            sides.settle(count + 1)
    RequestsInstrumentor().uninstrument()
