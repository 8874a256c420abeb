"""A Flask request to an instrumented application, over one without; traces and metrics."""

from web import Both, measure, serve_wsgi

providers = Both()

from flask import Flask  # noqa: E402
from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: E402


def make_app() -> Flask:
    app = Flask(__name__)

    @app.get("/orders/<int:number>")
    def order(number: int) -> dict[str, int]:
        return {"order": number}

    return app


instrumented, plain = make_app(), make_app()
FlaskInstrumentor.instrument_app(instrumented)
measure(
    providers,
    lambda count: serve_wsgi(instrumented, count, "/orders/"),
    lambda count: serve_wsgi(plain, count, "/orders/"),
    counted=1,
    series=2,
    exemplars=None,
)
