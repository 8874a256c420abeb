"""A request to a WSGI application in OpenTelemetryMiddleware, over the application alone."""

from typing import Any

from web import Both, measure, serve_wsgi

providers = Both()

from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware  # noqa: E402


def plain(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]


instrumented = OpenTelemetryMiddleware(plain)
measure(
    providers,
    lambda count: serve_wsgi(instrumented, count, "/orders/"),
    lambda count: serve_wsgi(plain, count, "/orders/"),
    counted=1,
    series=2,
    exemplars=None,
)
