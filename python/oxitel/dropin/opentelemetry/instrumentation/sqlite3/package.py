"""Official path of what oxitel.instrumentation.sqlite3 needs and has."""

from oxitel.instrumentation.sqlite3 import (
    _instruments as _instruments,
    _semconv_status as _semconv_status,
)
