"""Official path of what oxitel.instrumentation.pymongo needs and has."""

from oxitel.instrumentation.pymongo import (
    _instruments as _instruments,
    _semconv_status as _semconv_status,
)
