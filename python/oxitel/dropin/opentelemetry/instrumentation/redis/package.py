"""Official path of what oxitel.instrumentation.redis needs and has."""

from oxitel.instrumentation.redis import (
    _instruments as _instruments,
    _semconv_status as _semconv_status,
)
