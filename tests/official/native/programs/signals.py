"""What the programs share: providers, and what of the measurements differs between any two runs."""

from __future__ import annotations

from typing import Any

from declare import Run

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HEADERS = {"traceparent": PARENT, "user-agent": "Mozilla/5.0", "x-one": "1", "x-secret": "s"}


class Signals:
    """A provider of spans and one of metrics. Durations are measured: their number is compared."""

    def __init__(self, run: Run) -> None:
        self.tracer_provider = run.provider()
        self.meter_provider = run.meter_provider()
        run.measured("*duration*")

    @property
    def providers(self) -> dict[str, Any]:
        return {"tracer_provider": self.tracer_provider, "meter_provider": self.meter_provider}

    def span(self, name: str) -> Any:
        """A span of the program's own around what it does."""
        return self.tracer_provider.get_tracer("program").start_as_current_span(name)
