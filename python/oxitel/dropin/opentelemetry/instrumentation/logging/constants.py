"""Official path of the constants of oxitel.instrumentation.logging."""

from oxitel.instrumentation.logging import (
    _MODULE_DOC as _MODULE_DOC,
    DEFAULT_LOGGING_FORMAT as DEFAULT_LOGGING_FORMAT,
)
