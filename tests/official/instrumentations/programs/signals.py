"""What the programs of the matrix share: an instrumentation switched on with a provider for each
signal, and what of its measurements may differ between two runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from declare import Run


class Signals:
    """A provider for each signal. Durations are measured, so only their number is compared."""

    def __init__(self, run: Run, service: str = "program") -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import SpanProcessor

        self.ended: list[str] = []
        ended = self.ended

        class Noting(SpanProcessor):
            def on_end(self, span: Any) -> None:
                ended.append(span.name)

        resource = Resource({"service.name": service})
        self.tracer_provider = run.provider(resource=resource)
        self.tracer_provider.add_span_processor(Noting())
        self.meter_provider = run.meter_provider(resource=resource)
        self.logger_provider = run.log_provider(resource=resource)
        run.measured("*duration*", "*.time")

    @property
    def providers(self) -> dict[str, Any]:
        """As every instrumentor takes them."""
        return {
            "tracer_provider": self.tracer_provider,
            "meter_provider": self.meter_provider,
            "logger_provider": self.logger_provider,
        }

    def span(self, name: str) -> Any:
        """A span of the program's own around what it does."""
        return self.tracer_provider.get_tracer("program").start_as_current_span(name)

    def settle(self, count: int) -> None:
        """Waits until so many spans have ended, which another thread may do after its answer."""
        deadline = time.monotonic() + 20
        while len(self.ended) < count:
            assert time.monotonic() < deadline, f"{count} spans expected, {self.ended} ended"
            time.sleep(0.005)


@contextmanager
def instrumented(run: Run, instrumentor: Any, **options: Any) -> Iterator[Signals]:
    """The instrumentation switched on for the block."""
    signals = Signals(run)
    instrumentor.instrument(**signals.providers, **options)
    try:
        yield signals
    finally:
        instrumentor.uninstrument()


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
