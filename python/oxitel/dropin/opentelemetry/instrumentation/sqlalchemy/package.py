"""Official path of what oxitel.instrumentation.sqlalchemy needs and has."""

from oxitel.instrumentation.sqlalchemy import (
    _instruments as _instruments,
    _semconv_status as _semconv_status,
    _supports_metrics as _supports_metrics,
)
