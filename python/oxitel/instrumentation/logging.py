"""LoggingInstrumentor: has `logging` export its records, and put the current span's ids on them.

Official name: `opentelemetry.instrumentation.logging`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from opentelemetry._logs import get_logger_provider
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.trace import get_tracer_provider

from oxitel import _native
from oxitel.official_name import official
from oxitel.variables import instrumentation as variables
from oxitel.variables.variable import Boolean

from .logging_handler import LoggingHandler, _remove_logging_handler, _setup_logging_handler

DEFAULT_LOGGING_FORMAT = (
    "%(asctime)s %(levelname)s [%(name)s] [%(filename)s:%(lineno)d] [trace_id=%(otelTraceID)s"
    " span_id=%(otelSpanID)s resource.service.name=%(otelServiceName)s"
    " trace_sampled=%(otelTraceSampled)s] - %(message)s"
)
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_MODULE_DOC = __doc__
_instruments: tuple[str, ...] = ()

_logger = logging.getLogger("opentelemetry.instrumentation.logging")


def _get_log_level(level_name: str | None) -> int | None:
    """The number of a level; NOTSET, with a warning, for a name that no level has."""
    if level_name is None:
        return None
    level = logging.getLevelName(level_name.upper().strip())
    if isinstance(level, int):
        return level
    _logger.warning(
        "Invalid log level %r for %s; defaulting to NOTSET",
        level_name,
        variables.LOG_HANDLER_LEVEL.name,
    )
    return logging.NOTSET


@official("opentelemetry.instrumentation.logging")
class LoggingInstrumentor(BaseInstrumentor):
    """Instruments `logging`.

    `instrument` takes these keyword arguments; what is not given comes from the variable:

    - `enable_log_auto_instrumentation` (OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION, true): export records
      by a handler of the root logger, with `log_code_attributes` (OTEL_PYTHON_LOG_CODE_ATTRIBUTES)
      and from the level `log_handler_level` (OTEL_PYTHON_LOG_HANDLER_LEVEL);
    - `inject_trace_context`: every record has `otelTraceID`, `otelSpanID`, `otelTraceSampled` and
      `otelServiceName`, the latter from `tracer_provider`;
    - `set_logging_format` (OTEL_PYTHON_LOG_CORRELATION, false): these too, and
      `logging.basicConfig` is called with `logging_format` (OTEL_PYTHON_LOG_FORMAT, else
      `DEFAULT_LOGGING_FORMAT`) and `log_level` (OTEL_PYTHON_LOG_LEVEL, else INFO);
    - `log_hook`: called with the current span and the record, where there is a span.
    """

    _old_factory: Any = None
    _log_hook: Any = None
    _logging_handler: LoggingHandler | None = None
    _factory: Any = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        cls = LoggingInstrumentor
        provider = kwargs.get("tracer_provider") or get_tracer_provider()
        hook = kwargs.get("log_hook")
        cls._log_hook = hook
        sets_format = _argument(kwargs, "set_logging_format", variables.LOG_CORRELATION)
        if sets_format:
            _set_format(kwargs)
        injects_context = bool(sets_format or kwargs.get("inject_trace_context", False))
        cls._old_factory = logging.getLogRecordFactory()
        cls._factory = _native.LogRecordFactory(
            cls._old_factory, provider, injects_context, hook if callable(hook) else None
        )
        logging.setLogRecordFactory(cls._factory)
        if variables.LOGGING_AUTO_INSTRUMENTATION.read():
            _logger.warning(
                "Skipping installation of LoggingHandler from "
                "`opentelemetry-instrumentation-logging` to avoid duplicate logs. "
                "The SDK's deprecated LoggingHandler is already active "
                "(OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true). To migrate, unset "
                "this environment variable. The SDK's handler will be removed in a future release."
            )
        elif _argument(
            kwargs, "enable_log_auto_instrumentation", variables.LOG_AUTO_INSTRUMENTATION
        ):
            level = (
                kwargs["log_handler_level"]
                if "log_handler_level" in kwargs
                else _get_log_level(variables.LOG_HANDLER_LEVEL.text())
            )
            cls._logging_handler = _setup_logging_handler(
                get_logger_provider(),
                bool(_argument(kwargs, "log_code_attributes", variables.LOG_CODE_ATTRIBUTES)),
                level,
            )

    def _uninstrument(self, **kwargs: Any) -> None:
        cls = LoggingInstrumentor
        # Somebody may have put another factory over ours; theirs calls ours, so it stays.
        if cls._factory is not None and logging.getLogRecordFactory() is cls._factory:
            logging.setLogRecordFactory(cls._old_factory)
        cls._old_factory = cls._factory = cls._log_hook = None
        if cls._logging_handler is not None:
            _remove_logging_handler(cls._logging_handler)
            cls._logging_handler = None


def _argument(kwargs: dict[str, Any], name: str, variable: Boolean) -> Any:
    return kwargs[name] if name in kwargs else variable.read()


def _set_format(kwargs: dict[str, Any]) -> None:
    text = kwargs["logging_format"] if "logging_format" in kwargs else variables.LOG_FORMAT.read()
    level = kwargs["log_level"] if "log_level" in kwargs else LEVELS[variables.LOG_LEVEL.read()]
    logging.basicConfig(format=text or DEFAULT_LOGGING_FORMAT, level=level or logging.INFO)
