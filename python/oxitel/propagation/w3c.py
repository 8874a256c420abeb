"""W3C Trace Context and W3C Baggage, native. Both are also what the API's own classes are: whoever
asks for those by `isinstance` finds these.
"""

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from oxitel import _native


class TraceContextPropagator(_native.TraceContextPropagator, TraceContextTextMapPropagator):
    """Reads and writes `traceparent` and `tracestate`. W3C Trace Context, Level 2."""


class BaggagePropagator(_native.BaggagePropagator, W3CBaggagePropagator):
    """Reads and writes `baggage`. W3C Baggage."""
