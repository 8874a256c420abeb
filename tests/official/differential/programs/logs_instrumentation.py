"""LoggingInstrumentor: what it puts on records, what it exports, what it leaves behind."""

import io
import logging
from typing import Any

from declare import Run, program

FORMAT = "%(message)s %(otelTraceID)s %(otelSpanID)s %(otelTraceSampled)s %(otelServiceName)s"


def instrumented(run: Run, **arguments: Any) -> Any:
    """The tracer of the provider that the instrumentor is given."""
    from opentelemetry import _logs, trace
    from opentelemetry.instrumentation.logging import LoggingInstrumentor

    provider = run.bare_provider()
    trace.set_tracer_provider(provider)
    _logs.set_logger_provider(run.log_provider())
    LoggingInstrumentor().instrument(tracer_provider=provider, **arguments)
    return provider.get_tracer("t")


def written(run: Run, tracer: Any, format: str) -> None:
    """Log inside and outside of spans, and observe what a handler writes."""
    from opentelemetry.instrumentation.logging import LoggingInstrumentor

    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter(format))
    logger = logging.getLogger("shop")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    logger.warning("outside")
    with tracer.start_as_current_span("outer"):
        logger.warning("in the outer", extra={"a": 1})
        with tracer.start_as_current_span("inner"):
            logger.info("in the inner")
    LoggingInstrumentor().uninstrument()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.warning("no longer instrumented")
    run.observe("written", out.getvalue())
    run.observe("handlers", [type(h).__name__ for h in logging.root.handlers])


@program(
    variants={
        "": {},
        "code": {"OTEL_PYTHON_LOG_CODE_ATTRIBUTES": "true"},
        "none": {"OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "false"},
        "level": {"OTEL_PYTHON_LOG_HANDLER_LEVEL": "Warning"},
        "wrong level": {"OTEL_PYTHON_LOG_HANDLER_LEVEL": "loud"},
        "sdk handler": {"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true"},
    }
)
def exported_by_variable(run: Run) -> None:
    written(run, instrumented(run), "%(message)s")


@program()
def injected(run: Run) -> None:
    written(run, instrumented(run, inject_trace_context=True), FORMAT)


@program()
def arguments(run: Run) -> None:
    tracer = instrumented(
        run,
        inject_trace_context=True,
        log_handler_level=logging.WARNING,
        log_code_attributes=True,
    )
    written(run, tracer, FORMAT)


@program()
def without_handler(run: Run) -> None:
    written(run, instrumented(run, enable_log_auto_instrumentation=False), "%(message)s")


@program()
def hook(run: Run) -> None:
    calls = []

    def log_hook(span: Any, record: logging.LogRecord) -> None:
        calls.append(record.getMessage())
        record.hooked = span.name
        if record.levelno == logging.INFO:
            raise ValueError("wrong")

    written(run, instrumented(run, log_hook=log_hook), "%(message)s")
    run.observe("calls", calls)


@program(
    variants={
        "": {"OTEL_PYTHON_LOG_CORRELATION": "true"},
        "format": {
            "OTEL_PYTHON_LOG_CORRELATION": "true",
            "OTEL_PYTHON_LOG_FORMAT": "%(otelServiceName)s|%(message)s",
        },
        "level": {"OTEL_PYTHON_LOG_CORRELATION": "true", "OTEL_PYTHON_LOG_LEVEL": "error"},
    }
)
def format_that_is_set(run: Run) -> None:
    for handler in list(logging.root.handlers):
        logging.root.removeHandler(handler)
    tracer = instrumented(run)
    run.observe("level", logging.root.level)
    formats = [h.formatter._fmt for h in logging.root.handlers if h.formatter is not None]
    run.observe("formats", formats)
    # What it writes has the time in it, and fails where the fields are no longer there.
    logging.raiseExceptions = False
    for handler in logging.root.handlers:
        if type(handler) is logging.StreamHandler:
            handler.setStream(io.StringIO())
    written(run, tracer, FORMAT)


@program()
def configuring_functions(run: Run) -> None:
    from opentelemetry import _logs
    from opentelemetry.instrumentation.logging import LoggingInstrumentor

    def warn(message: str) -> None:
        logging.getLogger("first").warning(message)
        # `logging` flushes the handlers that it replaces, and theirs flush in the background: each
        # record is sent by itself, so that no flush can come between two.
        _logs.get_logger_provider().force_flush()

    tracer = instrumented(run)
    with tracer.start_as_current_span("span"):
        warn("before")
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, "root": {}})
        warn("after dictConfig")
        logging.basicConfig(force=True, handlers=[logging.NullHandler()])
        warn("after basicConfig")
    LoggingInstrumentor().uninstrument()


@program()
def names(run: Run) -> None:
    from opentelemetry.instrumentation import logging as instrumentation
    from opentelemetry.instrumentation.logging import constants, environment_variables, package

    run.observe("format", constants.DEFAULT_LOGGING_FORMAT)
    run.observe("levels", instrumentation.LEVELS)
    run.observe("instruments", package._instruments)
    run.observe(
        "variables",
        {k: v for k, v in sorted(vars(environment_variables).items()) if k.startswith("OTEL")},
    )
    instrumentor = instrumentation.LoggingInstrumentor()
    run.observe("one only", instrumentation.LoggingInstrumentor() is instrumentor)
    run.observe("dependencies", instrumentor.instrumentation_dependencies())
