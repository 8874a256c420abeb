"""What tells the exporters of spans, metrics and log records from each other."""

from __future__ import annotations

from typing import NamedTuple


class Signal(NamedTuple):
    """One of the three kinds of telemetry, under the names that it has in different places."""

    variables: str
    """In the names of environment variables."""
    name: str
    """In the specification, and in the path of an OTLP/HTTP endpoint."""
    records: str
    """One of its records, in the plural."""
    batch: str
    """A batch, as the official exporters call it in messages."""
    grpc_method: str

    @property
    def http_path(self) -> str:
        """What is appended to the general endpoint of OTLP/HTTP."""
        return f"v1/{self.name}"


def _method(service: str) -> str:
    package = service.removesuffix("Service").lower()
    return f"/opentelemetry.proto.collector.{package}.v1.{service}/Export"


TRACES = Signal("TRACES", "traces", "spans", "span batch", _method("TraceService"))
METRICS = Signal("METRICS", "metrics", "data points", "metrics batch", _method("MetricsService"))
LOGS = Signal("LOGS", "logs", "log records", "logs batch", _method("LogsService"))
