"""Official path of oxitel.diagnostics.error_handler."""

from oxitel.diagnostics.error_handler import (
    ErrorHandler as ErrorHandler,
    GlobalErrorHandler as GlobalErrorHandler,
    _DefaultErrorHandler as _DefaultErrorHandler,
)
from oxitel.incidental import incidental

__getattr__, __dir__ = incidental(
    __name__,
    {"opentelemetry.util._importlib_metadata": "entry_points"},
    loggers=("logger",),
)
