"""opentelemetry-instrumentation-celery: a worker in the same process, a broker in memory."""

from typing import Any

from declare import Run, program
from programs.signals import instrumented


@program(
    variants={"child spans": {}, "links": {"PROGRAM_USES_LINKS": "true"}},
    log_level="CRITICAL",
)
def tasks(run: Run) -> None:
    import os

    from celery import Celery
    from celery.contrib.testing.worker import start_worker
    from opentelemetry.instrumentation.celery import CeleryInstrumentor

    app = Celery("shop", broker="memory://", backend="cache+memory://")
    app.conf.worker_hijack_root_logger = False
    links = "PROGRAM_USES_LINKS" in os.environ
    with instrumented(run, CeleryInstrumentor(), use_span_links=links) as signals:
        run.measured("*runtime*")

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
            results = [add.delay(1, 2), fail.delay(), add.apply_async((3, 4), {}, queue="celery")]
        run.hide(f"gen{os.getpid()}@{os.uname().nodename}", "<worker>")
        with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
            for result in results:
                run.observe("result", result.get(timeout=20, propagate=False))
            signals.settle(4 + 5)
            run.observe("again", again.delay().get(timeout=20))
            signals.settle(4 + 5 + 4)
