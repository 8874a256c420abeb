"""What the programs of the matrix share: an instrumentation switched on with a provider for each
signal, and what of its measurements may differ between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from declare import Run


class Signals:
    """A provider for each signal. Durations are measured, so only their number is compared."""

    def __init__(self, run: Run, service: str = "program") -> None:
        from opentelemetry.sdk.resources import Resource

        resource = Resource({"service.name": service})
        self.tracer_provider = run.provider(resource=resource)
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
