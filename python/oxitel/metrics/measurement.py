"""Measurement: one value that an instrument was told. Official name:
`opentelemetry.sdk.metrics._internal.measurement.Measurement`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opentelemetry.context import Context
from opentelemetry.util.types import Attributes

from oxitel.official_name import official


@official("opentelemetry.sdk.metrics._internal.measurement")
@dataclass(frozen=True)
class Measurement:
    """A value, when it was measured (nanoseconds since 1970), by what, in which context."""

    value: int | float
    time_unix_nano: int
    instrument: Any
    context: Context
    attributes: Attributes = None
