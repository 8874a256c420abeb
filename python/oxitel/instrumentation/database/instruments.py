"""The native side of a database's instrumentation: tracer, instruments, and what they record."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation import _semconv
from opentelemetry.metrics import Histogram, Meter, MeterProvider, get_meter
from opentelemetry.trace import Tracer, TracerProvider, get_tracer

from oxitel import _native
from oxitel.variables.instrumentation import SANITIZE_SQL

from ..conventions import database_conventions, http_conventions, schema_url_for

OPERATION_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
"""The buckets of an operation's duration (semantic conventions, "Database metrics")."""

RETURNED_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
"""The buckets of the rows that an operation returns, likewise."""

_SIGNALS = _semconv._OpenTelemetryStabilitySignalType


class DatabaseInstruments:
    """Tracer and instruments of one instrumentation. There are no instruments in the old
    conventions, which have no such metrics.

    `network_follows_http`: whether addresses are named by the conventions of HTTP, as most
    libraries' instrumentations name them.
    """

    def __init__(
        self,
        scope: str,
        version: str,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None = None,
        *,
        network_follows_http: bool = True,
        is_measured: bool = False,
        tracer: Tracer | None = None,
    ) -> None:
        self.conventions = database_conventions()
        self.network = http_conventions() if network_follows_http else self.conventions
        signals = [_SIGNALS.DATABASE, *([_SIGNALS.HTTP] if network_follows_http else [])]
        self.schema_url = schema_url_for(signals)
        self.tracer = tracer or get_tracer(
            scope, version, tracer_provider, schema_url=self.schema_url
        )
        self.meter: Meter | None = None
        self.duration: Histogram | None = None
        self.returned_rows: Histogram | None = None
        if is_measured and self.conventions.new:
            meter = get_meter(
                scope, version, meter_provider, schema_url=self.conventions.schema_url
            )
            self.meter = meter
            self.duration = meter.create_histogram(
                "db.client.operation.duration",
                unit="s",
                description="Duration of database client operations.",
                explicit_bucket_boundaries_advisory=OPERATION_SECONDS,
            )
            self.returned_rows = meter.create_histogram(
                "db.client.response.returned_rows",
                unit="{row}",
                description="The actual number of records returned by the database operation.",
                explicit_bucket_boundaries_advisory=RETURNED_ROWS,
            )

    def native(
        self,
        system: str,
        default_name: str,
        *,
        is_sanitized: bool | None = None,
        **parts: Any,
    ) -> _native.Database:
        """One database of the kind `system`, whose commands without a word are called
        `default_name`. `is_sanitized`: as the variable says, if it is None."""
        return _native.Database(
            self.tracer,
            old=self.conventions.old,
            new=self.conventions.new,
            network_old=self.network.old,
            network_new=self.network.new,
            system=system,
            default_name=default_name,
            duration=self.duration,
            returned_rows=self.returned_rows,
            is_sanitized=SANITIZE_SQL.read() if is_sanitized is None else is_sanitized,
            **parts,
        )


def port_of(port: Any) -> int | None:
    """The port as a number; None if it is none."""
    try:
        return int(port) if port else None
    except (TypeError, ValueError):
        return None
