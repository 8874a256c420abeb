"""opentelemetry-instrumentation-system-metrics and -structlog: this process."""

import io

from declare import Run, program
from programs.signals import Signals, instrumented


@program()
def system_metrics(run: Run) -> None:
    from opentelemetry.instrumentation.system_metrics import (
        _DEFAULT_CONFIG,
        SystemMetricsInstrumentor,
    )

    # Which connections exist at the moment is different each time.
    chosen = {
        name: config
        for name, config in _DEFAULT_CONFIG.items()
        if name != "system.network.connections"
    }
    run.measured("*")
    signals = Signals(run)
    SystemMetricsInstrumentor(config=chosen).instrument(**signals.providers)


@program()
def structlog(run: Run) -> None:
    import structlog as library
    from opentelemetry.instrumentation.structlog import StructlogInstrumentor

    written = io.StringIO()
    library.configure(
        processors=[library.processors.add_log_level, library.processors.JSONRenderer()],
        logger_factory=library.PrintLoggerFactory(written),
    )
    with instrumented(run, StructlogInstrumentor()) as signals:
        logger = library.get_logger("shop")
        logger.warning("outside", number=5, items=["a", "b"])
        with signals.span("work"):
            logger.info("inside", nested={"a": 1})
            try:
                raise ValueError("broken")
            except ValueError:
                logger.exception("failed")
    run.observe("written", written.getvalue())
