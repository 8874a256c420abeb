"""docs/json-logs.md: what structlog and loguru write through `oxitel.logs.configure_json`."""

from __future__ import annotations

import json
from typing import Any

import pytest

PROGRAM = """
import io, json, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from oxitel.logs import configure_json

stream = io.StringIO()
configure_json(stream=stream, service_name="shop")
tracer = TracerProvider().get_tracer("tests")

{set_up}

def place_order(fail):
    with tracer.start_as_current_span("order") as span:
        try:
            {event}
            if fail:
                raise LookupError("sold out")
        except LookupError:
            {exception}
    return trace.format_span_id(span.get_span_context().span_id)

spans = [place_order(False), place_order(True)]
print(json.dumps({{"spans": spans, "lines": stream.getvalue().splitlines()}}))
"""
STRUCTLOG = """
import structlog
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.render_to_log_kwargs,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
logger = structlog.get_logger("shop.orders")
"""
LOGURU = """
from loguru import logger
logger.remove()
logger.add(configure_json(service_name="shop"), format=lambda record: "{message}")
"""


@pytest.mark.parametrize(
    ("set_up", "event", "exception", "name"),
    [
        pytest.param(
            STRUCTLOG,
            'logger.bind(user="ann").info("order 100% placed", order_id="o-1", line="l")',
            'logger.exception("failed", order_id="o-1")',
            "shop.orders",
            id="structlog",
        ),
        pytest.param(
            LOGURU,
            'logger.bind(user="ann", order_id="o-1", line="l").info("order 100% placed")',
            'logger.bind(order_id="o-1").exception("failed")',
            "__main__",
            id="loguru",
        ),
    ],
)
def test_their_events_have_the_ids_of_the_span_and_their_own_fields(
    set_up: str, event: str, exception: str, name: str, run_program: Any
) -> None:
    program = PROGRAM.format(set_up=set_up, event=event, exception=exception)
    result = run_program(program, check=True)
    assert result.stderr == ""
    printed = json.loads(result.stdout)
    placed, _, failed = (json.loads(line) for line in printed["lines"])
    assert [placed["span_id"], failed["span_id"]] == printed["spans"]
    assert placed["message"] == "order 100% placed"
    assert (placed["level"], placed["logger"]) == ("INFO", name)
    assert placed["function"] == failed["function"] == "place_order"
    assert placed["service_name"] == "shop"
    assert (placed["user"], placed["order_id"], placed["extra_line"]) == ("ann", "o-1", "l")
    assert (failed["level"], failed["message"]) == ("ERROR", "failed")
    assert failed["exception"]["type"] == "LookupError"
    assert failed["exception"]["message"] == "sold out"
    assert "raise LookupError" in failed["exception"]["stacktrace"]
