"""Exemplars, and the filters that say which measurements may become one.

The three filters here are known to the native streams, which then do not call them; any other
subclass is called for each measurement. Specification: "Metrics SDK", "Exemplar". Official name:
`opentelemetry.sdk.metrics`.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from opentelemetry import trace

from oxitel.official_name import official

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar")
@dataclasses.dataclass(frozen=True)
class Exemplar:
    """A measurement that stands for others: its value, time (nanoseconds since 1970), the ids of
    the span that was current, and those of its attributes that the point does not have."""

    filtered_attributes: Attributes
    value: int | float
    time_unix_nano: int
    span_id: int | None = None
    trace_id: int | None = None


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar_filter")
class ExemplarFilter(ABC):
    """Says which measurements are offered to the reservoirs."""

    @abstractmethod
    def should_sample(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> bool:
        """Whether this measurement is offered; `attributes` are all of its attributes."""


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar_filter")
class AlwaysOnExemplarFilter(ExemplarFilter):
    """Every measurement is offered."""

    def should_sample(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> bool:
        return True


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar_filter")
class AlwaysOffExemplarFilter(ExemplarFilter):
    """No measurement is offered, so there are no exemplars."""

    def should_sample(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> bool:
        return False


@official("opentelemetry.sdk.metrics._internal.exemplar.exemplar_filter")
class TraceBasedExemplarFilter(ExemplarFilter):
    """A measurement is offered where the current span is sampled."""

    def should_sample(
        self,
        value: int | float,
        time_unix_nano: int,
        attributes: Attributes,
        context: Context,
    ) -> bool:
        return trace.get_current_span(context).get_span_context().trace_flags.sampled
