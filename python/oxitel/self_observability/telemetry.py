"""How much telemetry is made: spans and log records."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opentelemetry.metrics import get_meter_provider

from oxitel import _native

from .meter import Amounts, meter_of, observe

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider


def span_counts(meter_provider: MeterProvider | None) -> _native.SpanCounts:
    """Where the tracers of a provider are to count their spans."""
    counts = _native.SpanCounts()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=counts.reset)
    meter_provider = meter_provider or get_meter_provider()

    def started() -> Amounts:
        for origin, result, count in counts.started():
            attributes = {
                "otel.span.parent.origin": origin,
                "otel.span.sampling_result": result,
            }
            yield count, attributes

    def live() -> Amounts:
        for result, count in counts.live():
            yield count, {"otel.span.sampling_result": result}

    observe(
        meter_provider,
        "create_observable_counter",
        "otel.sdk.span.started",
        "{span}",
        "How many spans were started.",
        started,
    )
    observe(
        meter_provider,
        "create_observable_up_down_counter",
        "otel.sdk.span.live",
        "{span}",
        "How many recorded spans were started and have not ended.",
        live,
    )
    return counts


class LoggerMetrics:
    """Counts the log records of a provider's loggers, which call `emit_log` for each."""

    def __init__(self, meter_provider: MeterProvider | None) -> None:
        self._created = meter_of(meter_provider or get_meter_provider()).create_counter(
            "otel.sdk.log.created", unit="{log_record}", description="How many records were made."
        )

    def emit_log(self) -> None:
        """Count one record."""
        self._created.add(1)


def create_logger_metrics(
    meter_provider: MeterProvider | None, enabled: bool
) -> LoggerMetrics | None:
    """The `logger_metrics` of a `Logger`; None, which counts nothing, unless `enabled`."""
    return LoggerMetrics(meter_provider) if enabled else None
