"""What every program of these tests does: take an order, with the API of OpenTelemetry alone."""

import logging

from opentelemetry import metrics, trace

tracer = trace.get_tracer("orders")
counter = metrics.get_meter("orders").create_counter("orders")
logger = logging.getLogger("orders")


def take():
    with tracer.start_as_current_span("take order"):
        counter.add(1)
        logger.warning("order taken")
