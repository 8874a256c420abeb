"""Jaeger's headers under their official path; see `oxitel.propagation.jaeger`."""

from oxitel.propagation.jaeger import (
    JaegerPropagator as JaegerPropagator,
    _format_uber_trace_id as _format_uber_trace_id,
)
