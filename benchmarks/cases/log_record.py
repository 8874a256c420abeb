"""A log record with two extra fields and a span current, through the handler that exports it.

`empty` logs the same through a handler that drops the record: what is measured is what exporting
adds to what `logging` itself costs.
"""

import logging

from measure import measure
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk.trace import TracerProvider
from pipeline import make_logger_provider

provider = make_logger_provider()
# Its spans go nowhere.
tracer = TracerProvider().get_tracer("benchmark")


def logger_to(name: str, handler: logging.Handler) -> logging.Logger:
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return logger


exporting = logger_to("benchmark.exporting", LoggingHandler(logger_provider=provider))
dropping = logger_to("benchmark.dropping", logging.NullHandler())


def log(logger: logging.Logger, count: int) -> None:
    with tracer.start_as_current_span("POST /orders"):
        for number in range(count):
            logger.info(
                "Order %s created", number, extra={"order_id": "ord-123", "customer_id": "cust-45"}
            )


measure(
    provider,
    lambda count: log(exporting, count),
    lambda count: log(dropping, count),
    spans=0,
    log_records=1,
)
