"""Official path of oxitel.error_handler."""

from oxitel.error_handler import (
    ErrorHandler as ErrorHandler,
    GlobalErrorHandler as GlobalErrorHandler,
    _DefaultErrorHandler as _DefaultErrorHandler,
)
