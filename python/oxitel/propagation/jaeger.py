"""Jaeger's headers, native. Official path: `opentelemetry.propagators.jaeger`.

Specification: https://www.jaegertracing.io/sdk-migration/#propagation-format.
"""

from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import format_span_id, format_trace_id

from oxitel import _native
from oxitel.official_name import official


@official("opentelemetry.propagators.jaeger")
class JaegerPropagator(_native.JaegerPropagator, TextMapPropagator):
    """Reads and writes `uber-trace-id`, and the baggage in headers that begin with `uberctx-`."""

    TRACE_ID_KEY = "uber-trace-id"
    BAGGAGE_PREFIX = "uberctx-"
    DEBUG_FLAG = 0x02
    # The format has no limits of its own; these are those of W3C Baggage. Their use is native.
    MAX_BAGGAGE_ENTRIES = 180
    MAX_BAGGAGE_ENTRY_BYTES = 4096
    MAX_BAGGAGE_TOTAL_BYTES = 8192

    @property
    def fields(self) -> set[str]:
        """The name of the header that `inject` always sets."""
        return {self.TRACE_ID_KEY}


# Tests of other packages write the header with it.
@official("opentelemetry.propagators.jaeger")
def _format_uber_trace_id(trace_id: int, span_id: int, parent_span_id: int, flags: int) -> str:
    ids = (format_trace_id(trace_id), format_span_id(span_id), format_span_id(parent_span_id))
    return ":".join((*ids, f"{flags:02x}"))
