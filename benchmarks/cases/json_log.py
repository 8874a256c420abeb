"""A record formatted as JSON with the ids of the current span: by `oxitel.logs.JSONFormatter`, and
by a formatter as one writes it by hand, with the same fields; in one process, in turns. With the
official packages there is only the one written by hand.
"""

import json
import logging
import time
from datetime import datetime, timezone

from measure import COUNT, REPEATS, WARM_UP, report
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

TURNS = 20


class WrittenByHand(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "timestamp": datetime.now(timezone.utc).isoformat(),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "function": record.funcName,
            "line": record.lineno,
        }
        context = trace.get_current_span().get_span_context()
        if context.trace_id:
            fields["trace_id"] = format(context.trace_id, "032x")
            fields["span_id"] = format(context.span_id, "016x")
        if hasattr(record, "extra_fields"):
            fields.update(record.extra_fields)
        return json.dumps(fields)


try:
    from oxitel.logs import JSONFormatter
except ImportError:
    JSONFormatter = WrittenByHand


def nanos(formatter: logging.Formatter, record: logging.LogRecord, count: int) -> int:
    begin = time.thread_time_ns()
    for _ in range(count):
        formatter.format(record)
    return time.thread_time_ns() - begin


record = logging.getLogger("shop.orders").makeRecord(
    *("shop.orders", logging.INFO, __file__, 42, "Order %s created", ("ord-123",), None),
    func="create_order",
    extra={"extra_fields": {"order_id": "ord-123", "customer_id": "cust-45", "total": 99.5}},
)
ours, by_hand = JSONFormatter(), WrittenByHand()
tracer = TracerProvider().get_tracer("benchmark")
samples = []
with tracer.start_as_current_span("POST /orders"):
    written, expected = (json.loads(formatter.format(record)) for formatter in (ours, by_hand))
    if list(written) != list(expected):
        raise RuntimeError(f"not the same fields: {list(written)}, {list(expected)}")
    for formatter in (ours, by_hand):
        nanos(formatter, record, WARM_UP)
    for _ in range(REPEATS):
        sample = {"json_nanos": 0, "json_by_hand_nanos": 0}
        for _ in range(TURNS):
            sample["json_nanos"] += nanos(ours, record, COUNT // TURNS)
            sample["json_by_hand_nanos"] += nanos(by_hand, record, COUNT // TURNS)
        samples.append(sample)
report(samples, 0)
