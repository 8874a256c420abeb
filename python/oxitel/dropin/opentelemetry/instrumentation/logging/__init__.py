"""Official path of oxitel.instrumentation.logging."""

from oxitel.instrumentation.logging import (
    _MODULE_DOC as _MODULE_DOC,
    DEFAULT_LOGGING_FORMAT as DEFAULT_LOGGING_FORMAT,
    LEVELS as LEVELS,
    LoggingInstrumentor as LoggingInstrumentor,
    _get_log_level as _get_log_level,
    _instruments as _instruments,
)
from oxitel.instrumentation.logging_handler import (
    _setup_logging_handler as _setup_logging_handler,
)

from .environment_variables import (
    OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION as OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION,
    OTEL_PYTHON_LOG_CODE_ATTRIBUTES as OTEL_PYTHON_LOG_CODE_ATTRIBUTES,
    OTEL_PYTHON_LOG_CORRELATION as OTEL_PYTHON_LOG_CORRELATION,
    OTEL_PYTHON_LOG_FORMAT as OTEL_PYTHON_LOG_FORMAT,
    OTEL_PYTHON_LOG_HANDLER_LEVEL as OTEL_PYTHON_LOG_HANDLER_LEVEL,
    OTEL_PYTHON_LOG_LEVEL as OTEL_PYTHON_LOG_LEVEL,
)
