"""Celery's instrumentation: a worker in the same process, a broker in memory."""

import os
import time
from typing import Any

from declare import Run, program
from programs.signals import Signals


@program(
    variants={"child spans": {}, "links": {"PROGRAM_USES_LINKS": "true"}},
    log_level="CRITICAL",
)
def tasks(run: Run) -> None:
    from celery import Celery
    from celery.contrib.testing.worker import start_worker
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.sdk.trace import SpanProcessor

    ended: list[Any] = []

    class Counting(SpanProcessor):
        def on_end(self, span: Any) -> None:
            ended.append(span)

    app = Celery("shop", broker="memory://", backend="cache+memory://")
    app.conf.worker_hijack_root_logger = False
    signals = Signals(run)
    signals.tracer_provider.add_span_processor(Counting())
    run.measured("*runtime*")
    run.hide(f"gen{os.getpid()}@{os.uname().nodename}", "<worker>")
    CeleryInstrumentor().instrument(
        **signals.providers, use_span_links="PROGRAM_USES_LINKS" in os.environ
    )

    @app.task(name="shop.add")
    def add(a: int, b: int) -> int:
        with signals.span("adding"):
            return a + b

    @app.task(name="shop.fail")
    def fail() -> None:
        raise ValueError("broken task")

    @app.task(name="shop.again", bind=True, max_retries=1, default_retry_delay=0)
    def again(self: Any) -> str:
        if self.request.retries == 0:
            raise self.retry(countdown=0)
        return "second"

    # Everything is sent before anybody works, so that spans end in one order.
    with signals.span("order"):
        results = [
            add.delay(1, 2),
            fail.delay(),
            add.apply_async((3, 4), priority=3, time_limit=30),
        ]
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
        for result in results:
            run.observe("result", result.get(timeout=20, propagate=False))
        settle(ended, 4 + 5)
        run.observe("again", again.delay().get(timeout=20))
        settle(ended, 4 + 5 + 4)
    CeleryInstrumentor().uninstrument()


@program(log_level="CRITICAL")
def publications(run: Run) -> None:
    """What is published under a name that this process does not know, or not at all."""
    import kombu
    from celery import Celery
    from opentelemetry import trace
    from opentelemetry.instrumentation.celery import CeleryInstrumentor

    app = Celery("shop", broker="memory://", backend="cache+memory://")
    provider = run.bare_provider()
    CeleryInstrumentor().instrument(tracer_provider=provider)
    publish = kombu.Producer.publish
    current: list[Any] = []

    def publishing(self: Any, *arguments: Any, **options: Any) -> Any:
        current.append(trace.get_current_span().is_recording())
        return publish(self, *arguments, **options)

    def failing(self: Any, *arguments: Any, **options: Any) -> Any:
        raise ConnectionError("no broker")

    @app.task(name="shop.add")
    def add(a: int, b: int) -> int:
        return a + b

    kombu.Producer.publish = publishing
    app.send_task("somewhere.else", queue="nowhere")
    run.observe("published inside its span", current)
    kombu.Producer.publish = failing
    try:
        app.send_task("shop.add", retry=False)
    except ConnectionError:
        pass
    kombu.Producer.publish = publish
    run.observe("a span stays current", trace.get_current_span().is_recording())
    CeleryInstrumentor().uninstrument()


def settle(ended: list[Any], count: int) -> None:
    deadline = time.monotonic() + 10
    while len(ended) < count and time.monotonic() < deadline:
        time.sleep(0.005)
