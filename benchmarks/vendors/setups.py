"""How each vendor's documentation switches it on, for an application that is made by itself.

A function here is called before a framework is imported, with the address of an intake. Every
request is kept, and queues hold what a measurement makes: a server would not ask as fast.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_MANY = 100_000
_SECONDS = 120


@dataclass(frozen=True)
class Setup:
    """`instrument(framework, application)` switches it on for one; `flush` has everything sent."""

    instrument: Callable[[str, Any], None] = lambda _framework, _application: None
    flush: Callable[[], object] = lambda: None


def nothing(_address: str) -> Setup:
    return Setup()


def opentelemetry(address: str) -> Setup:
    """Oxitel or the official packages, whichever this environment has."""
    os.environ["BENCHMARK_TRANSPORT"] = "http"
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = address
    from web import Both

    providers = Both()

    def instrument(framework: str, application: Any) -> None:
        if framework == "flask":
            from opentelemetry.instrumentation.flask import FlaskInstrumentor

            FlaskInstrumentor.instrument_app(application)
        else:
            from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

            FastAPIInstrumentor.instrument_app(application)

    return Setup(instrument, lambda: providers.force_flush(_SECONDS * 1000))


def ddtrace(address: str) -> Setup:
    os.environ["DD_TRACE_AGENT_URL"] = address
    os.environ["DD_SERVICE"] = "shop"
    import ddtrace.auto  # noqa: F401
    from ddtrace.trace import tracer

    return Setup(flush=tracer.flush)


def sentry(address: str) -> Setup:
    import sentry_sdk

    dsn = address.replace("http://", "http://key@") + "/1"
    sentry_sdk.init(dsn=dsn, traces_sample_rate=1.0, transport_queue_size=_MANY)
    return Setup(flush=lambda: sentry_sdk.flush(_SECONDS))


def logfire(address: str) -> Setup:
    import logfire

    logfire.configure(
        token="pylf_v1_us_token",
        service_name="shop",
        console=False,
        # The caller's trace goes on, as with the others.
        distributed_tracing=True,
        advanced=logfire.AdvancedOptions(base_url=address),
    )

    def instrument(framework: str, application: Any) -> None:
        (logfire.instrument_flask if framework == "flask" else logfire.instrument_fastapi)(
            application
        )

    return Setup(instrument, lambda: logfire.force_flush(_SECONDS * 1000))


def elastic(address: str) -> Setup:
    import elasticapm

    def instrument(framework: str, application: Any) -> None:
        if framework == "flask":
            from elasticapm.contrib.flask import ElasticAPM

            ElasticAPM(application, service_name="shop", server_url=address)
        else:
            from elasticapm.contrib.starlette import ElasticAPM, make_apm_client

            client = make_apm_client({"SERVICE_NAME": "shop", "SERVER_URL": address})
            application.add_middleware(ElasticAPM, client=client)

    # Its public way to have everything sent is to close it.
    return Setup(instrument, lambda: elasticapm.get_client()._transport.flush())


SETUPS: dict[str, Callable[[str], Setup]] = {
    "nothing": nothing,
    "oxitel": opentelemetry,
    "official": opentelemetry,
    "ddtrace": ddtrace,
    "sentry": sentry,
    "logfire": logfire,
    "elastic": elastic,
}
