"""The instrumentations of HTTP clients: every span and metric, in the three modes."""

import contextlib
from importlib import import_module
from typing import Any

from declare import Run, program
from programs.clients import serve, signals

PATHS = ("/", "/missing?a=b", "/broken", "/moved", "/none", "/?q=%20x&y=1#fragment")


def instrumentation(library: str) -> Any:
    return import_module(f"opentelemetry.instrumentation.{library}")


def on_request(span: Any, *arguments: Any) -> None:
    span.set_attribute("hook.arguments", [type(argument).__name__ for argument in arguments])
    span.add_event("request")


def on_response(span: Any, *arguments: Any) -> None:
    span.set_attribute("hook.answer", type(arguments[-1]).__name__)


@contextlib.contextmanager
def instrumented(run: Run, instrumentor: Any, **options: Any) -> Any:
    providers = signals(run)
    instrumentor.instrument(**{**providers, **options})
    with providers["tracer_provider"].get_tracer("program").start_as_current_span("work"):
        yield
    instrumentor.uninstrument()


def unmeasured() -> Any:
    """A meter provider whose metrics nobody reads."""
    from opentelemetry.sdk.metrics import MeterProvider

    return MeterProvider()


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    }
)
def requests(run: Run) -> None:
    import requests as library
    from opentelemetry import baggage, context

    context.attach(baggage.set_baggage("key", "value"))
    url = serve(run)
    instrumentor = instrumentation("requests").RequestsInstrumentor()
    with (
        instrumented(run, instrumentor, request_hook=on_request, response_hook=on_response),
        library.Session() as session,
    ):
        for path in PATHS:
            run.observe(path, session.get(url + path, timeout=10).status_code)
        for method in ("HEAD", "put", "OPTIONS", "BREW"):
            run.observe(method, session.request(method, url + "/", timeout=10).status_code)
        session.post(url + "/", data="body", timeout=10, headers={"User-Agent": "Googlebot"})
        session.post(url + "/", json={}, timeout=10, headers={"User-Agent": b"own"})
        session.get(url.replace("//", "//user:password@") + "/", timeout=10)
        session.get(url.replace("127.0.0.1", "LOCALHOST") + "/", timeout=10, stream=True).close()


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    }
)
def requests_failures(run: Run) -> None:
    import requests as library

    url = serve(run)
    instrumentor = instrumentation("requests").RequestsInstrumentor()
    with instrumented(run, instrumentor), library.Session() as session:
        session.max_redirects = 0
        for target in ("http://127.0.0.1:1/", url + "/slow", url + "/moved", "http://127.0.0.1:x/"):
            try:
                session.get(target, timeout=0.2)
            except library.RequestException as error:
                run.observe(target.rpartition("/")[2], type(error).__name__)


@program(
    env={
        "OTEL_PYTHON_REQUESTS_EXCLUDED_URLS": "missing",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": "x-.*,accept",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": "x-answer",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "secret",
    },
    variants={
        "": {},
        "all methods": {"OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS": "true"},
    },
)
def requests_by_variables(run: Run) -> None:
    import requests as library

    url = serve(run)
    instrumentor = instrumentation("requests").RequestsInstrumentor()
    with instrumented(run, instrumentor, duration_histogram_boundaries=[0, 1000.0]):
        headers = {"X-Secret": "s", "X-Open": "o"}
        for method, path in (("GET", "/"), ("GET", "/missing"), ("brew", "/"), ("BREW", "/")):
            library.request(method, url + path, headers=headers, timeout=10)


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    }
)
def urllib3(run: Run) -> None:
    import io

    import urllib3 as library

    url = serve(run)
    instrumentor = instrumentation("urllib3").URLLib3Instrumentor()
    with (
        instrumented(run, instrumentor, request_hook=on_request, response_hook=on_response),
        library.PoolManager(retries=False) as pool,
    ):
        for path in PATHS:
            run.observe(path, pool.request("GET", url + path, redirect=False).status)
        for method in ("HEAD", "put", "OPTIONS", "BREW"):
            run.observe(method, pool.request(method, url + "/").status)
        for body in (b"body", io.BytesIO(b"body"), "text"):
            pool.request("POST", url + "/", body=body, headers={"Content-Length": "4"})
        pool.urlopen("POST", url + "/", body=iter([b"a", b"b"]), headers={"Content-Length": "2"})
        pool.request("GET", url + "/moved")
        pool.request("GET", url + "/moved", retries=3)


@program()
def urllib3_failures(run: Run) -> None:
    import urllib3 as library

    url = serve(run)
    instrumentor = instrumentation("urllib3").URLLib3Instrumentor()
    # What has no answer is measured by ours alone, see `failures_are_measured`.
    with (
        instrumented(run, instrumentor, meter_provider=unmeasured()),
        library.PoolManager(retries=2) as pool,
    ):
        for target in ("http://127.0.0.1:1/", url + "/slow"):
            try:
                pool.request("GET", target, timeout=0.2)
            except library.exceptions.HTTPError as error:
                run.observe(target.rpartition("/")[2], type(error).__name__)


@program(
    env={
        "OTEL_PYTHON_EXCLUDED_URLS": "missing",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": "x-.*,accept",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": "x-answer",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "secret",
    }
)
def urllib3_by_variables(run: Run) -> None:
    import urllib3 as library

    url = serve(run)
    instrumentor = instrumentation("urllib3").URLLib3Instrumentor()
    with (
        instrumented(run, instrumentor, url_filter=lambda url: url.split("?")[0]),
        library.PoolManager() as pool,
    ):
        for path in ("/?a", "/missing"):
            pool.request("GET", url + path, headers={"X-Secret": "s", "X-Open": "o"})


@program()
def requests_over_urllib3(run: Run) -> None:
    import requests as library
    import urllib3 as below

    url = serve(run)
    outer = instrumentation("requests").RequestsInstrumentor()
    inner = instrumentation("urllib3").URLLib3Instrumentor()
    with instrumented(run, outer):
        inner.instrument(tracer_provider=run.provider())
        library.get(url + "/", timeout=10)
        library.get(url + "/moved", timeout=10)
        with below.PoolManager() as pool:
            pool.request("GET", url + "/")
        inner.uninstrument()


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
    }
)
def failures_are_measured(run: Run) -> None:
    """What a request without an answer leaves in the duration and on the span."""
    import httpx
    import urllib3 as library
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    url = "http://127.0.0.1:1/"
    for name, instrumentor, call in (
        (
            "urllib3",
            instrumentation("urllib3").URLLib3Instrumentor(),
            lambda: library.PoolManager(retries=False).request("GET", url),
        ),
        (
            "httpx",
            instrumentation("httpx").HTTPXClientInstrumentor(),
            lambda: httpx.get(url),
        ),
    ):
        reader = InMemoryMetricReader()
        spans: list[Any] = []
        provider = run.bare_provider()
        provider.add_span_processor(keeping(spans))
        meter_provider = MeterProvider([reader])
        instrumentor.instrument(tracer_provider=provider, meter_provider=meter_provider)
        run.attempt(name, call)
        instrumentor.uninstrument()
        run.observe(f"{name}: error.type", spans[0].attributes.get("error.type"))
        data = reader.get_metrics_data()
        points = [
            [metric.name, sorted(point.attributes.items())]
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        ]
        run.observe(f"{name}: points", points)


def keeping(spans: list[Any]) -> Any:
    from opentelemetry.sdk.trace import SpanProcessor

    class Keeping(SpanProcessor):
        def on_end(self, span: Any) -> None:
            spans.append(span)

    return Keeping()


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    }
)
def httpx(run: Run) -> None:
    import httpx as library

    url = serve(run)
    instrumentor = instrumentation("httpx").HTTPXClientInstrumentor()
    with (
        instrumented(run, instrumentor, request_hook=on_request, response_hook=on_response),
        library.Client() as client,
    ):
        for path in PATHS:
            run.observe(path, client.get(url + path).status_code)
        for method in ("HEAD", "put", "OPTIONS", "BREW"):
            run.observe(method, client.request(method, url + "/").status_code)
        client.post(url + "/", content=b"body")
        client.get(url + "/moved", follow_redirects=True)
        client.get(url.replace("//", "//user:password@") + "/")
        with client.stream("GET", url + "/") as response:
            response.read()


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    }
)
def httpx_async(run: Run) -> None:
    import asyncio

    import httpx as library

    url = serve(run)

    async def hook(span: Any, *arguments: Any) -> None:
        on_request(span, *arguments)

    async def main() -> None:
        async with library.AsyncClient() as client:
            for path in PATHS:
                run.observe(path, (await client.get(url + path)).status_code)
            await client.post(url + "/", content=b"body")

    instrumentor = instrumentation("httpx").HTTPXClientInstrumentor()
    with instrumented(run, instrumentor, async_request_hook=hook, async_response_hook=hook):
        asyncio.run(main())


@program(
    env={
        "OTEL_PYTHON_HTTPX_EXCLUDED_URLS": "missing",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": "x-.*,accept",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "secret",
    }
)
def httpx_by_variables(run: Run) -> None:
    import httpx as library

    url = serve(run)
    instrumentor = instrumentation("httpx").HTTPXClientInstrumentor()
    with (
        instrumented(run, instrumentor, meter_provider=unmeasured()),
        library.Client() as client,
    ):
        for path in ("/?a", "/missing"):
            client.get(url + path, headers=[("X-Secret", "s"), ("X-A", "1"), ("X-A", "2,3")])


@program()
def httpx_one_client(run: Run) -> None:
    import httpx as library

    own = instrumentation("httpx")

    def answer(request: Any) -> Any:
        run.observe("traceparent", request.headers["traceparent"])
        return library.Response(204)

    with library.Client(transport=library.MockTransport(answer)) as client:
        own.HTTPXClientInstrumentor.instrument_client(client, tracer_provider=run.provider())
        run.observe("flag", client._is_instrumented_by_opentelemetry)
        client.get("https://example.org:8443/path?x=1")
        own.HTTPXClientInstrumentor.instrument_client(client)
        own.HTTPXClientInstrumentor.uninstrument_client(client)
        run.observe("flag", client._is_instrumented_by_opentelemetry)
    transport = own.SyncOpenTelemetryTransport(
        library.MockTransport(answer), tracer_provider=run.provider(), request_hook=on_request
    )
    with library.Client(transport=transport) as client:
        client.get("https://example.org/")


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    }
)
def aiohttp(run: Run) -> None:
    import asyncio

    import aiohttp as library

    url = serve(run)

    async def main() -> None:
        async with library.ClientSession() as session:
            for path in PATHS:
                async with session.get(url + path, allow_redirects=path != "/moved") as response:
                    run.observe(path, response.status)
            for method in ("HEAD", "put", "OPTIONS"):
                async with session.request(method, url + "/") as response:
                    run.observe(method, response.status)
            await session.post(url + "/", data=b"body")
            await session.get(url + "/moved")
            await session.get(url.replace("//", "//user:password@") + "/")
            for target in ("http://127.0.0.1:1/", url + "/slow"):
                try:
                    await session.get(target, timeout=library.ClientTimeout(total=0.2))
                except (library.ClientError, asyncio.TimeoutError) as error:
                    run.observe(target.rpartition("/")[2], type(error).__name__)

    instrumentor = instrumentation("aiohttp_client").AioHttpClientInstrumentor()
    with instrumented(run, instrumentor, request_hook=on_request, response_hook=on_response):
        asyncio.run(main())


@program(
    env={
        "OTEL_PYTHON_AIOHTTP_CLIENT_EXCLUDED_URLS": "missing",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": "x-.*,accept",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": "x-answer",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "secret",
    }
)
def aiohttp_by_variables(run: Run) -> None:
    import asyncio

    import aiohttp as library

    url = serve(run)
    own = instrumentation("aiohttp_client")

    async def main() -> None:
        async with library.ClientSession() as session:
            for path in ("/?a", "/missing"):
                await session.get(url + path, headers={"X-Secret": "s", "X-Open": "o"})
            run.observe("configurations", len(session.trace_configs))
            own.AioHttpClientInstrumentor.uninstrument_session(session)
            run.observe("configurations", len(session.trace_configs))
            await session.get(url + "/")

    def without_query(url: Any) -> str:
        return str(url.with_query(None))

    with instrumented(run, own.AioHttpClientInstrumentor(), url_filter=without_query):
        asyncio.run(main())
