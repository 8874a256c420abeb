"""The variables of the instrumentations."""

from __future__ import annotations

from .variable import Boolean, Choice, Names, Variable

LOG_AUTO_INSTRUMENTATION = Boolean(
    "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION",
    True,
    "Whether `LoggingInstrumentor` adds a handler that exports log records.",
)
LOG_HANDLER_LEVEL = Variable(
    "OTEL_PYTHON_LOG_HANDLER_LEVEL",
    None,
    "The level from which that handler exports: the name of a level of `logging`, in any case.",
    default_text="`notset`",
)
LOG_CODE_ATTRIBUTES = Boolean(
    "OTEL_PYTHON_LOG_CODE_ATTRIBUTES",
    False,
    "Whether exported records say which file, function and line they come from.",
)
LOG_CORRELATION = Boolean(
    "OTEL_PYTHON_LOG_CORRELATION",
    False,
    "Whether `LoggingInstrumentor` puts the current span's ids on every log record and sets a"
    " format that shows them.",
)
LOG_FORMAT = Variable(
    "OTEL_PYTHON_LOG_FORMAT",
    None,
    "That format.",
    default_text="`opentelemetry.instrumentation.logging.constants.DEFAULT_LOGGING_FORMAT`",
)
LOG_LEVEL = Choice(
    "OTEL_PYTHON_LOG_LEVEL",
    "info",
    "The root logger's level that is set along with the format.",
    ("debug", "info", "warning", "error"),
)
LOGGING_AUTO_INSTRUMENTATION = Boolean(
    "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED",
    False,
    "Whether the configurator adds the SDK's deprecated handler to the root logger;"
    " `LoggingInstrumentor` then adds none.",
)

DISABLED_INSTRUMENTATIONS = Names(
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
    [],
    "The instrumentations that `oxitel run` leaves off, by the names of their entry points, as"
    " `flask`; `*` for all.",
    default_text="none",
)
GEVENT_PATCH = Variable(
    "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH",
    None,
    "`patch_all` has `oxitel run` call `gevent.monkey.patch_all` before anything else.",
    default_text="no patch",
)
SANITIZE_SQL = Boolean(
    "OTEL_PYTHON_INSTRUMENTATION_SANITIZE_SQL",
    False,
    "Whether statements are recorded with `?` in place of the texts and numbers in them.",
)
