"""B3, the headers of Zipkin, native. Official path: `opentelemetry.propagators.b3`.

Specification: https://github.com/openzipkin/b3-propagation.
"""

from typing import Any

from opentelemetry.propagators.textmap import TextMapPropagator
from typing_extensions import deprecated

from oxitel import _native
from oxitel.official_name import official


@official("opentelemetry.propagators.b3")
class B3MultiFormat(_native.B3Propagator, TextMapPropagator):
    """Writes a header for each field; reads these and the single header."""

    SINGLE_HEADER_KEY = "b3"
    TRACE_ID_KEY = "x-b3-traceid"
    SPAN_ID_KEY = "x-b3-spanid"
    SAMPLED_KEY = "x-b3-sampled"
    FLAGS_KEY = "x-b3-flags"

    @property
    def fields(self) -> set[str]:
        """The names of the headers that `inject` sets."""
        return {self.TRACE_ID_KEY, self.SPAN_ID_KEY, self.SAMPLED_KEY}


@official("opentelemetry.propagators.b3")
class B3SingleFormat(B3MultiFormat):
    """Writes the single header; reads both forms."""

    inject = _native.B3Propagator.inject_single

    @property
    def fields(self) -> set[str]:
        """The name of the header that `inject` sets."""
        return {self.SINGLE_HEADER_KEY}


@official("opentelemetry.propagators.b3")
class B3Format(B3MultiFormat):
    """`B3MultiFormat` under its old name."""

    @deprecated("B3Format is deprecated in favor of B3MultiFormat. Deprecated since version 1.2.0.")
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
