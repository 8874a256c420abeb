"""How long metric readers collect."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .meter import component, meter_of

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider


def collection_recorder(
    component_type: str, meter_provider: MeterProvider
) -> Callable[[float], None]:
    """What to tell the seconds of each collection of a metric reader."""
    attributes = component(component_type)
    duration = meter_of(meter_provider).create_histogram(
        "otel.sdk.metric_reader.collection.duration",
        unit="s",
        description="How long a metric reader takes to collect.",
    )
    return lambda seconds: duration.record(seconds, attributes)
