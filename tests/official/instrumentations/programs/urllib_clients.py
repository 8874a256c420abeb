"""opentelemetry-instrumentation-urllib and -urllib3: a plain HTTP server."""

from typing import Any

from declare import Run, program
from programs.both_sides import serve
from programs.signals import instrumented


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
    }
)
def urllib3(run: Run) -> None:
    import urllib3 as library
    from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor

    def on_request(span: Any, pool: Any, information: Any) -> None:
        span.set_attribute("hook.method", information.method)

    url = serve(run)
    with instrumented(run, URLLib3Instrumentor(), request_hook=on_request) as signals:
        pool = library.PoolManager(retries=False)
        with signals.span("work"):
            for path in ("/", "/missing", "/broken", "/moved"):
                run.observe(path, pool.request("GET", url + path, redirect=False).status)
            run.observe("post", pool.request("POST", url + "/", body=b"body").status)
        try:
            pool.request("GET", "http://127.0.0.1:1/")
        except library.exceptions.HTTPError as error:
            run.observe("refused", type(error))


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
    }
)
def urllib(run: Run) -> None:
    import urllib.error
    import urllib.request

    from opentelemetry.instrumentation.urllib import URLLibInstrumentor

    url = serve(run)
    with instrumented(run, URLLibInstrumentor()) as signals, signals.span("work"):
        with urllib.request.urlopen(url + "/", timeout=10) as response:
            run.observe("/", response.status)
        with urllib.request.urlopen(url + "/", data=b"body", timeout=10) as response:
            run.observe("post", response.status)
        for target in (url + "/missing", "http://127.0.0.1:1/"):
            try:
                urllib.request.urlopen(target, timeout=10)
            except urllib.error.URLError as error:
                run.observe("error", type(error))
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
