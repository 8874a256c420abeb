"""The instrumentations of WSGI, Flask and Django (WSGI): applications called as by a server."""

import io
from typing import Any

from declare import Run, program
from programs.signals import HEADERS, Signals


def visit(run: Run, application: Any, *more: tuple[str, str]) -> None:
    """Calls a WSGI application as servers do."""
    from werkzeug.test import Client

    client = Client(application)
    requests = [
        ("GET", "/orders/5?q=1&r=a%20b"),
        ("GET", "/nowhere"),
        ("GET", "/broken"),
        ("GET", "/moved"),
        ("GET", "/teapot"),
        ("POST", "/orders/6"),
        ("HEAD", "/orders/7"),
        ("OPTIONS", "/orders/7"),
        ("BREW", "/orders/8"),
        ("get", "/orders/9"),
        ("GET", "/health"),
        *more,
    ]
    for method, path in requests:
        for headers in ({}, HEADERS):
            try:
                answer = client.open(
                    path,
                    method=method,
                    headers=headers,
                    errors_stream=io.StringIO(),
                    environ_overrides={
                        "REQUEST_URI": path,
                        "REMOTE_ADDR": "10.0.0.1",
                        "REMOTE_PORT": "4711",
                        "SERVER_PORT": "8080",
                    },
                )
                run.observe(f"{method} {path}", [answer.status_code, answer.get_data(as_text=True)])
                answer.close()
            except ValueError as error:
                run.observe(f"{method} {path}", str(error))


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    env={
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "x-answer",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": ".*secret",
    },
)
def wsgi(run: Run) -> None:
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

    signals = Signals(run)

    def application(environ: Any, start_response: Any) -> Any:
        with signals.span("work"):
            path = environ["PATH_INFO"]
            if path == "/broken":
                raise ValueError("broken view")
            status = {"/nowhere": "404 Not Found", "/moved": "302 Found", "/teapot": "503 Busy"}
            start_response(status.get(path, "200 OK"), [("X-Answer", "yes"), ("X-Answer", "no")])
            return [b"ok"]

    def on_request(span: Any, environ: Any) -> None:
        span.set_attribute("hook.path", environ["PATH_INFO"])

    def on_response(span: Any, environ: Any, status: str, headers: Any) -> None:
        span.set_attribute("hook.status", status)

    seen = OpenTelemetryMiddleware(application, on_request, on_response, **signals.providers)
    visit(run, seen)
    with signals.span("outer"):
        visit(run, seen)


def flask_app(signals: Signals) -> Any:
    import flask

    app = flask.Flask("shop")

    @app.route("/orders/<int:number>", methods=["GET", "POST"])
    def order(number: int) -> Any:
        with signals.span("load order"):
            return {"number": number}, 200, {"X-Answer": "yes"}

    @app.get("/broken")
    def broken() -> str:
        raise ValueError("broken view")

    @app.get("/moved")
    def moved() -> Any:
        return flask.redirect("/orders/1")

    @app.get("/teapot")
    def teapot() -> str:
        flask.abort(503)

    @app.get("/health")
    def health() -> str:
        return "ok"

    @app.get("/named")
    def named() -> str:
        from opentelemetry import trace

        trace.get_current_span().update_name("named by the view")
        return "ok"

    return app


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    env={
        "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "health",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "x-answer",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": ".*secret",
    },
    log_level="CRITICAL",
)
def flask(run: Run) -> None:
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.instrumentation.propagators import (
        TraceResponsePropagator,
        set_global_response_propagator,
    )

    signals = Signals(run)
    app = flask_app(signals)

    def on_request(span: Any, environ: Any) -> None:
        if span is not None:
            span.set_attribute("hook.path", environ["PATH_INFO"])

    def on_response(span: Any, status: str, headers: Any) -> None:
        if span is not None:
            span.set_attribute("hook.status", status)

    FlaskInstrumentor.instrument_app(
        app, request_hook=on_request, response_hook=on_response, **signals.providers
    )
    visit(run, app, ("GET", "/named"))
    set_global_response_propagator(TraceResponsePropagator())
    with signals.span("outer"):
        visit(run, app)


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    },
    env={
        "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": "health",
        "OTEL_PYTHON_DJANGO_TRACED_REQUEST_ATTRS": "path_info,content_type,nothing",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-.*",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "x-answer",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": ".*secret",
    },
    log_level="CRITICAL",
)
def django(run: Run) -> None:
    from programs.django_site import configure

    signals = Signals(run)
    configure(signals)
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    more = [("GET", path) for path in ("/inner/teapot", "/missing", "/", "/plain", "/early")]
    visit(run, application, *more)
    with signals.span("outer"):
        visit(run, application, *more)
