"""Official path of what oxitel.instrumentation.psycopg2 needs and has."""

from oxitel.instrumentation.psycopg2 import (
    _instruments as _instruments,
    _instruments_any as _instruments_any,
    _instruments_psycopg2 as _instruments_psycopg2,
    _instruments_psycopg2_binary as _instruments_psycopg2_binary,
    _semconv_status as _semconv_status,
)
