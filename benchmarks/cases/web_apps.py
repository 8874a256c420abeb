"""An instrumented application and a plain one of each framework, and what requests to them cost."""

import asyncio
from typing import Any

from framework_apps import make_fastapi, make_flask
from in_process import own_nanos
from web import Both, measure, serve_asgi, serve_wsgi


def sampling(is_sampled: bool) -> Any:
    """A sampler, or None for what a provider has by itself."""
    if is_sampled:
        return None
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    return ALWAYS_OFF


def measure_flask(*, is_sampled: bool = True) -> None:
    providers = Both(sampling(is_sampled))
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    instrumented, plain = make_flask(), make_flask()
    FlaskInstrumentor.instrument_app(instrumented)
    measure(
        providers,
        lambda count: serve_wsgi(instrumented, count, "/orders/"),
        lambda count: serve_wsgi(plain, count, "/orders/"),
        spans=int(is_sampled),
        counted=1,
        series=2,
        exemplars=None,
    )


def measure_fastapi(*, is_sampled: bool = True, routes: int = 1) -> None:
    """The route that is asked for is the last of so many."""
    providers = Both(sampling(is_sampled))
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    instrumented, plain = make_fastapi(routes), make_fastapi(routes)
    FastAPIInstrumentor.instrument_app(instrumented)
    with asyncio.Runner() as runner:
        measure(
            providers,
            lambda count: runner.run(serve_asgi(instrumented, count, "/orders/")),
            lambda count: runner.run(serve_asgi(plain, count, "/orders/")),
            spans=3 * is_sampled,
            counted=2,
            series=3,
            exemplars=None,
        )


def measure_django(interface: str) -> None:
    """By `wsgi` or `asgi`."""
    import django_app

    providers = Both()
    django_app.configure(interface)
    plain = django_app.make_handler(interface)
    middlewares = plain._middleware_chain
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    DjangoInstrumentor().instrument()
    # Ours has instrumented the handler that was there already.
    plain._middleware_chain = middlewares
    instrumented = django_app.make_handler(interface)
    with asyncio.Runner() as runner:
        serve_plain = django_app.serving(plain, interface, runner)
        measure(
            providers,
            django_app.serving(instrumented, interface, runner),
            lambda count: own_nanos(lambda: serve_plain(count)),
            counted=1,
            series=2,
            exemplars=None,
        )
