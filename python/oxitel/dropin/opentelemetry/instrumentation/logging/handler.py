"""Official path of oxitel.instrumentation.logging_handler."""

from oxitel.instrumentation.logging_handler import (
    LoggingHandler as LoggingHandler,
    _overwrite_logging_config_fns as _overwrite_logging_config_fns,
    _setup_logging_handler as _setup_logging_handler,
)
from oxitel.logs.handler import _RESERVED_ATTRS as _RESERVED_ATTRS, std_to_otel as std_to_otel
