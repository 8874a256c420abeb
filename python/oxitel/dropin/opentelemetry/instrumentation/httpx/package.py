"""Official path of what oxitel.instrumentation.httpx needs and has."""

from oxitel.instrumentation.httpx import (
    _instruments as _instruments,
    _instruments_any as _instruments_any,
    _instruments_httpx as _instruments_httpx,
    _instruments_httpx2 as _instruments_httpx2,
    _semconv_status as _semconv_status,
    _supports_metrics as _supports_metrics,
)
