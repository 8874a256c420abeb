"""What programs in Python do with telemetry themselves: exporters of log records behind both
processors and behind the handler of `logging`, and processors that read the attributes and events
of spans. Nothing is sent; CPU of the whole process.
"""

import gc
import logging
import time
from collections.abc import Callable
from typing import Any

from measure import COUNT, REPEATS, WARM_UP, report
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

ATTRIBUTES = {"order_id": "ord-123", "customer_id": "cust-45", "items": 3}
READ = 128


class Counting(LogRecordExporter):
    count = 0

    def export(self, batch: Any) -> LogRecordExportResult:
        self.count += len(batch)
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class Reading(SpanProcessor):
    """Reads the attributes one by one, or the events."""

    count = 0

    def on_end(self, span: Any) -> None:
        for key in span.attributes:
            self.count += span.attributes[key] is not None
        for event in span.events:
            self.count += len(event.attributes)


def logs(processor: Any, exporter: Counting, emit: Callable[[Any], Callable[[], None]]) -> Any:
    provider = LoggerProvider(resource=Resource({"service.name": "benchmark"}))
    provider.add_log_record_processor(processor)
    emit_one = emit(provider)

    def work(count: int) -> None:
        before = exporter.count
        for _ in range(count):
            emit_one()
        provider.force_flush()
        if exporter.count - before != count:
            raise RuntimeError(f"{exporter.count - before} of {count} log records were exported")

    return work


def by_logger(provider: Any) -> Callable[[], None]:
    logger = provider.get_logger("benchmark")

    def emit() -> None:
        logger.emit(
            LogRecord(
                timestamp=time.time_ns(),
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body="Order created",
                attributes=ATTRIBUTES,
            )
        )

    return emit


def by_logging(provider: Any) -> Callable[[], None]:
    logger = logging.getLogger("benchmark")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(LoggingHandler(logger_provider=provider))
    return lambda: logger.info("Order %s created", "ord-123", extra={"order_id": "ord-123"})


def spans(attributes: int, events: int) -> Any:
    provider, reading = TracerProvider(), Reading()
    provider.add_span_processor(reading)
    tracer = provider.get_tracer("benchmark")
    given = {f"key.{number}": number for number in range(attributes)}

    def work(count: int) -> None:
        before = reading.count
        for _ in range(count // READ):
            with tracer.start_as_current_span("POST /orders", attributes=given) as span:
                for _ in range(events):
                    span.add_event("order", {"order_id": "ord-123"})
        if reading.count - before != count // READ * READ:
            raise RuntimeError(f"{reading.count - before} of {count // READ * READ} were read")

    return work


def batch(exporter: Counting) -> Any:
    return BatchLogRecordProcessor(exporter, max_queue_size=2 * max(COUNT, WARM_UP))


first, second, third = Counting(), Counting(), Counting()
WORK = {
    "batch_record": logs(batch(first), first, by_logger),
    "simple_record": logs(SimpleLogRecordProcessor(second), second, by_logger),
    "handled_record": logs(batch(third), third, by_logging),
    "read_attribute": spans(READ, 0),
    "read_event": spans(0, READ),
}
for work in WORK.values():
    work(WARM_UP)
samples = []
for _ in range(REPEATS):
    sample = {}
    for name, work in WORK.items():
        gc.collect()
        begin = time.process_time_ns()
        work(COUNT)
        sample[f"{name}_nanos"] = time.process_time_ns() - begin
    samples.append(sample)
report(samples, 0)
