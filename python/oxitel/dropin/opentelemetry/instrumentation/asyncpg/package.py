"""Official path of what oxitel.instrumentation.asyncpg needs and has."""

from oxitel.instrumentation.asyncpg import (
    _instruments as _instruments,
    _semconv_status as _semconv_status,
)
