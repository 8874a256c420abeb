"""Official path of what oxitel.instrumentation.aiohttp_client needs and has."""

from oxitel.instrumentation.aiohttp_client import (
    _instruments as _instruments,
    _semconv_status as _semconv_status,
    _supports_metrics as _supports_metrics,
)
