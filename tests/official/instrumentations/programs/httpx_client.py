"""opentelemetry-instrumentation-httpx: a plain HTTP server."""

import asyncio
from typing import Any

from declare import Run, program
from programs.both_sides import serve


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"},
    }
)
def calls(run: Run) -> None:
    import httpx
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    url = serve(run)
    run.measured("*duration*")
    providers = {"tracer_provider": run.provider(), "meter_provider": run.meter_provider()}
    HTTPXClientInstrumentor().instrument(**providers)
    with httpx.Client() as client:
        for path in ("/", "/missing", "/broken", "/moved"):
            run.observe(path, client.get(url + path).status_code)
        run.observe("post", client.post(url + "/", content="body").status_code)
    with httpx.Client(follow_redirects=True) as client:
        run.observe("followed", client.get(url + "/moved").status_code)
    HTTPXClientInstrumentor().uninstrument()


@program()
def asynchronous(run: Run) -> None:
    import httpx
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    url = serve(run)
    provider = run.provider()
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    tracer = provider.get_tracer("caller")

    async def main() -> None:
        async with httpx.AsyncClient() as client:
            for path in ("/", "/missing"):
                with tracer.start_as_current_span(f"around {path}"):
                    run.observe(path, (await client.get(url + path)).status_code)
            async with client.stream("GET", url + "/stream") as response:
                run.observe("stream", await response.aread())

    asyncio.run(main())
    HTTPXClientInstrumentor().uninstrument()


@program()
def failures_and_hooks(run: Run) -> None:
    import httpx
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    url = serve(run)

    def on_request(span: Any, request: Any) -> None:
        span.set_attribute("hook", request.method.decode())

    def on_response(span: Any, request: Any, response: Any) -> None:
        span.set_attribute("hook.status", response.status_code)

    HTTPXClientInstrumentor().instrument(
        tracer_provider=run.provider(), request_hook=on_request, response_hook=on_response
    )
    with httpx.Client(timeout=0.2) as client:
        client.get(url + "/")
        for name, target in (("refused", "http://127.0.0.1:1/"), ("slow", url + "/slow")):
            try:
                client.get(target)
            except httpx.HTTPError as error:
                run.observe(name, type(error).__name__)
    HTTPXClientInstrumentor().uninstrument()


@program()
def one_client(run: Run) -> None:
    import httpx
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    def answer(request: httpx.Request) -> httpx.Response:
        run.observe("traceparent", request.headers["traceparent"])
        return httpx.Response(204)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        HTTPXClientInstrumentor.instrument_client(client, tracer_provider=run.provider())
        client.get("https://example.org:8443/path?x=1")
        HTTPXClientInstrumentor.uninstrument_client(client)
