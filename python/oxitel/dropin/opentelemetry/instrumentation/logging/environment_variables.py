"""Names of the variables of `LoggingInstrumentor`, declared in oxitel.variables."""

from oxitel.variables import instrumentation as _variables

OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION = _variables.LOG_AUTO_INSTRUMENTATION.name
OTEL_PYTHON_LOG_CODE_ATTRIBUTES = _variables.LOG_CODE_ATTRIBUTES.name
OTEL_PYTHON_LOG_CORRELATION = _variables.LOG_CORRELATION.name
OTEL_PYTHON_LOG_FORMAT = _variables.LOG_FORMAT.name
OTEL_PYTHON_LOG_HANDLER_LEVEL = _variables.LOG_HANDLER_LEVEL.name
OTEL_PYTHON_LOG_LEVEL = _variables.LOG_LEVEL.name
