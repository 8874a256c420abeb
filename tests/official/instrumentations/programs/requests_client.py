"""opentelemetry-instrumentation-requests: a plain HTTP server."""

from typing import Any

from declare import Run, program
from programs.both_sides import serve


def instrumented(run: Run, **options: Any) -> tuple[Any, str]:
    import requests
    from opentelemetry.instrumentation.requests import RequestsInstrumentor

    # The official exporter uses requests too: its own calls are suppressed by the processor.
    url = serve(run)
    RequestsInstrumentor().instrument(tracer_provider=run.provider(), **options)
    return requests, url


def uninstrument() -> None:
    from opentelemetry.instrumentation.requests import RequestsInstrumentor

    RequestsInstrumentor().uninstrument()


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    }
)
def calls(run: Run) -> None:
    run.measured("*duration*")
    requests, url = instrumented(run, meter_provider=run.meter_provider())
    for path in ("/", "/missing", "/broken", "/moved", "/?q=1"):
        run.observe(path, requests.get(url + path, timeout=10).status_code)
    run.observe("post", requests.post(url + "/", data="body", timeout=10).status_code)
    session = requests.Session()
    run.observe("put", session.put(url + "/put", timeout=10).status_code)
    uninstrument()


@program()
def failures(run: Run) -> None:
    requests, url = instrumented(run)
    for name, work in (
        ("refused", lambda: requests.get("http://127.0.0.1:1/", timeout=5)),
        ("slow", lambda: requests.get(url + "/slow", timeout=0.2)),
        ("scheme", lambda: requests.get("nonsense", timeout=1)),
    ):
        try:
            work()
        except requests.RequestException as error:
            run.observe(name, type(error).__name__)
    uninstrument()


@program(
    env={
        "OTEL_PYTHON_REQUESTS_EXCLUDED_URLS": "missing",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": "x-answer",
    }
)
def hooks_and_exclusions(run: Run) -> None:
    def on_request(span: Any, request: Any) -> None:
        span.set_attribute("hook.method", request.method)

    def on_response(span: Any, request: Any, response: Any) -> None:
        span.set_attribute("hook.status", response.status_code)

    requests, url = instrumented(run, request_hook=on_request, response_hook=on_response)
    for path in ("/", "/missing"):
        requests.get(url + path, timeout=10)
    uninstrument()


@program()
def suppressed(run: Run) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    requests, url = instrumented(run)
    with suppress_instrumentation():
        requests.get(url + "/hidden", timeout=10)
    requests.get(url + "/seen", timeout=10)
    uninstrument()
