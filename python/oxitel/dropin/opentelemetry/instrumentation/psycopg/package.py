"""Official path of what oxitel.instrumentation.psycopg needs and has."""

from oxitel.instrumentation.psycopg import (
    _instruments as _instruments,
    _semconv_status as _semconv_status,
)
