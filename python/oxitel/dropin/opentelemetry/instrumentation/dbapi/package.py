"""Official path of what oxitel.instrumentation.dbapi needs and has."""

from oxitel.instrumentation.dbapi import (
    _instruments as _instruments,
    _semconv_status as _semconv_status,
)
