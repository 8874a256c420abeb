"""What tells the exporters of spans, metrics and log records from each other."""

from __future__ import annotations

from typing import NamedTuple

from oxitel import _native


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

    @property
    def grpc_method(self) -> str:
        """The method of its service, as gRPC names it."""
        return _native.grpc_method(self.name)

    @property
    def sdk_module(self) -> str:
        """The official path of the part of the SDK that makes its records."""
        part = {"traces": "trace", "logs": "_logs"}.get(self.name, self.name)
        return f"opentelemetry.sdk.{part}"

    @property
    def http_path(self) -> str:
        """What is appended to the general endpoint of OTLP/HTTP."""
        return f"v1/{self.name}"


TRACES = Signal("TRACES", "traces", "spans", "span batch")
METRICS = Signal("METRICS", "metrics", "data points", "metrics batch")
LOGS = Signal("LOGS", "logs", "log records", "logs batch")
