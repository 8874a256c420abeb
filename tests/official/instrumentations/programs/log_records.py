"""opentelemetry-instrumentation-logging: records exported, and ids put into records."""

import io
import logging

from declare import Run, program
from programs.signals import Signals


@program()
def ids_in_records(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry.instrumentation.logging import LoggingInstrumentor

    provider = run.provider()
    trace.set_tracer_provider(provider)
    LoggingInstrumentor().instrument(tracer_provider=provider, inject_trace_context=True)
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        logging.Formatter(
            "%(message)s %(otelTraceID)s %(otelSpanID)s %(otelTraceSampled)s %(otelServiceName)s",
            defaults=dict.fromkeys(
                ("otelTraceID", "otelSpanID", "otelTraceSampled", "otelServiceName")
            ),
        )
    )
    logger = logging.getLogger("shop")
    logger.addHandler(handler)
    logger.warning("outside")
    with provider.get_tracer("t").start_as_current_span("outer"):
        logger.warning("in the outer")
        with provider.get_tracer("t").start_as_current_span("inner"):
            logger.warning("in the inner")
    logger.warning("outside again")
    run.observe("written", out.getvalue())
    LoggingInstrumentor().uninstrument()


@program(env={"OTEL_PYTHON_LOG_CORRELATION": "true"})
def format_by_variable(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry.instrumentation.logging import LoggingInstrumentor

    provider = run.provider()
    trace.set_tracer_provider(provider)
    LoggingInstrumentor().instrument(tracer_provider=provider)
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter("%(message)s %(otelTraceID)s %(otelSpanID)s"))
    logger = logging.getLogger("shop")
    logger.addHandler(handler)
    with provider.get_tracer("t").start_as_current_span("span"):
        logger.warning("correlated")
    run.observe("written", out.getvalue())
    LoggingInstrumentor().uninstrument()


@program()
def exported(run: Run) -> None:
    from opentelemetry import _logs
    from opentelemetry.instrumentation.logging import LoggingInstrumentor

    signals = Signals(run)
    _logs.set_logger_provider(signals.logger_provider)
    LoggingInstrumentor().instrument(**signals.providers)
    logger = logging.getLogger("shop")
    logger.setLevel(logging.INFO)
    logger.warning("outside %s", "ä", extra={"order.id": 5})
    with signals.span("work"):
        logger.info("inside")
        try:
            raise ValueError("broken")
        except ValueError:
            logger.exception("failed")
    logger.debug("below the level")
    LoggingInstrumentor().uninstrument()
