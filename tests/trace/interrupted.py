"""Calls under a time limit: a signal handler raises in the middle of them. Prints, for each kind of
call, how often what it raised did not come out of the call."""

import json
import logging
import os
import random
import signal
import sys
from collections.abc import Mapping, Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from oxitel.logs import JSONFormatter

logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
logging.getLogger("opentelemetry").propagate = False


class Items(Sequence):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index > 2:
            raise IndexError
        return index


class Entries(Mapping):
    def __len__(self):
        return 1

    def __iter__(self):
        return iter(["a"])

    def __getitem__(self, key):
        return [1]


class Text:
    def __str__(self):
        return "".join(map(str, range(5)))


class Asking(Sampler):
    def should_sample(self, *arguments, **options):
        return ALWAYS_ON.should_sample(*arguments, **options)

    def get_description(self):
        return "asking"


class Listening(SpanProcessor):
    def on_start(self, span, parent_context=None):
        sum(range(10))

    def on_end(self, span):
        sum(range(10))


provider = TracerProvider(shutdown_on_exit=False, sampler=Asking())
provider.add_span_processor(Listening())
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("test")
span = tracer.start_span("span")
logs = LoggerProvider(shutdown_on_exit=False)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
logger = logging.getLogger("program")
logger.propagate = False
logger.setLevel(1)
logger.addHandler(LoggingHandler(logger_provider=logs))
meters = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
counter = meters.get_meter("test").create_counter("counter")
link = trace.Link(trace.SpanContext(1, 2, is_remote=True), {"a": [1]})
remote = trace.set_span_in_context(
    trace.NonRecordingSpan(
        trace.SpanContext(1, 2, True, trace.TraceFlags(1), trace.TraceState([("a", "b")]))
    )
)
NESTED = {"a": {"b": [1, 2]}, "c": [{"d": 1}]}
FOREIGN = {"a": Items(), "b": Entries(), "c": Text()}
error = ValueError(Text())


def start():
    tracer.start_span("x", attributes=NESTED, links=[link], context=remote).end()


CALLS = {
    "attribute": lambda: span.set_attribute("k", NESTED),
    "foreign": lambda: span.set_attribute("k", FOREIGN),
    "attributes": lambda: span.set_attributes({"k": NESTED, "l": FOREIGN}),
    "event": lambda: span.add_event("e", {"k": FOREIGN}),
    "link": lambda: span.add_link(link.context, FOREIGN),
    "exception": lambda: span.record_exception(error, FOREIGN),
    "start": start,
    "counter": lambda: counter.add(1, {"k": NESTED, "l": FOREIGN}),
    "emit": lambda: logs.get_logger("x").emit(body=FOREIGN, attributes={"k": NESTED}),
    "extra": lambda: logger.info("%s", Text(), extra={"k": FOREIGN}),
}
record = logging.LogRecord("n", 20, "p", 1, "%s", (Text(),), None)
record.k = FOREIGN
format_json = JSONFormatter().format
CALLS["json"] = lambda: format_json(record)


class TimeIsUp(Exception):
    pass


def lost(call):
    has_run = []

    def on_alarm(signum, frame):
        if not has_run:
            has_run.append(True)
            raise TimeIsUp

    signal.signal(signal.SIGALRM, on_alarm)
    try:
        try:
            # Repeated, since the interpreter may miss one that another thread is given.
            signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, 3e-4), 0.05)
            while not has_run:
                call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except TimeIsUp:
        return False
    return True


def lost_or_late(call):
    try:
        return lost(call)
    except TimeIsUp:
        # Raised when the call was over, and what waited for it too.
        return True


rounds = int(sys.argv[1])
random.seed(1)
print(
    json.dumps(
        {name: sum(lost_or_late(call) for _ in range(rounds)) for name, call in CALLS.items()}
    )
)
sys.stdout.flush()
os._exit(0)
