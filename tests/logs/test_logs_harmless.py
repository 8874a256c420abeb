"""Log records have the ids of their span wherever they are made and whenever they are formatted:
in the exception handlers of web frameworks, and after they have waited in a queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]

SET_UP = """
import io, json, logging
from opentelemetry import _logs, trace
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from oxitel.logs import configure_json

spans, exported, stream = InMemorySpanExporter(), InMemoryLogRecordExporter(), io.StringIO()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(spans))
tracer = trace.get_tracer("tests")
_logs.set_logger_provider(LoggerProvider())
_logs.get_logger_provider().add_log_record_processor(SimpleLogRecordProcessor(exported))
handler = configure_json(stream=stream)
LoggingInstrumentor().instrument()
log = logging.getLogger("shop")
"""
REPORT = """
print(json.dumps({
    "written": [json.loads(line) for line in stream.getvalue().splitlines()],
    "exported": [
        [item.log_record.body, item.log_record.trace_id, item.log_record.span_id]
        for item in exported.get_finished_logs()
    ],
    "spans": [[span.name, span.context.trace_id, span.context.span_id]
              for span in spans.get_finished_spans()],
}))
"""


def outcome(run_program: Run, program: str) -> dict[str, Any]:
    result = run_program(SET_UP + program + REPORT, check=True)
    last: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return last


FLASK = """
from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor

application = Flask("shop")
FlaskInstrumentor().instrument_app(application)

@application.errorhandler(Exception)
def on_error(error):
    log.exception("handled")
    return "no", 500

@application.get("/orders/<int:number>")
def order(number):
    log.info("asked")
    raise LookupError("sold out")

@application.teardown_request
def on_teardown(error):
    log.info("teardown")

assert application.test_client().get("/orders/1").status_code == 500
"""
FASTAPI = """
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

application = FastAPI()

@application.exception_handler({error})
async def on_error(request, error):
    log.error("handled", exc_info=error)
    return PlainTextResponse("no", status_code=500)

@application.get("/orders/{{number}}")
{asynchronous}def order(number: int):
    log.info("asked")
    raise LookupError("sold out")

FastAPIInstrumentor.instrument_app(application, exclude_spans=["send", "receive"])
with TestClient(application, raise_server_exceptions=False) as client:
    assert client.get("/orders/1").status_code == 500
"""


@pytest.mark.parametrize(
    ("program", "span"),
    [
        pytest.param(FLASK, "GET /orders/<int:number>", id="flask"),
        *(
            pytest.param(
                FASTAPI.format(error=error, asynchronous=asynchronous),
                "GET /orders/{number}",
                id=f"fastapi, {error}, {asynchronous or 'in a thread'}",
            )
            for error in ("LookupError", "Exception")
            for asynchronous in ("async ", "")
        ),
    ],
)
def test_records_of_exception_handlers_have_the_ids_of_the_request(
    program: str, span: str, run_program: Run
) -> None:
    result = outcome(run_program, program)
    ids = [(trace_id, span_id) for name, trace_id, span_id in result["spans"] if name == span]
    assert len(ids) == 1, result["spans"]
    texts = ("asked", "handled", "teardown")
    written = [line for line in result["written"] if line["message"] in texts]
    assert {"asked", "handled"} <= {line["message"] for line in written}
    assert {(int(line["trace_id"], 16), int(line["span_id"], 16)) for line in written} == set(ids)
    exported = {(trace, span) for body, trace, span in result["exported"] if body in texts}
    assert exported == set(ids)
    (handled,) = (line for line in written if line["message"] == "handled")
    assert handled["exception"]["type"] == "LookupError"


# Who makes the records remember: `configure_json` of the set-up, or the official instrumentor too.
@pytest.mark.parametrize("injects", [False, True])
def test_records_that_waited_are_exported_and_written_with_the_ids_of_their_making(
    injects: bool, run_program: Run
) -> None:
    program = f"""
import logging.handlers, queue
if {injects}:
    LoggingInstrumentor().uninstrument()
    LoggingInstrumentor().instrument(inject_trace_context=True)
root = logging.getLogger()
targets, waiting = list(root.handlers), queue.SimpleQueue()
assert len(targets) == 2
root.handlers[:] = [logging.handlers.QueueHandler(waiting)]
log.info("outside")
with tracer.start_as_current_span("first"):
    log.info("first")
with tracer.start_as_current_span("second"):
    log.info("second")
with tracer.start_as_current_span("while they are written"):
    listener = logging.handlers.QueueListener(waiting, *targets)
    listener.start()
    listener.stop()
root.handlers[:] = [logging.handlers.MemoryHandler(10, target=target) for target in targets]
with tracer.start_as_current_span("third"):
    log.info("third")
with tracer.start_as_current_span("while they are flushed"):
    [handler.flush() for handler in root.handlers]
"""
    result = outcome(run_program, program)
    ids = {name: (trace_id, span_id) for name, trace_id, span_id in result["spans"]}
    written = {
        line["message"]: (int(line.get("trace_id", "0"), 16), int(line.get("span_id", "0"), 16))
        for line in result["written"]
    }
    exported = {
        body: (trace_id or 0, span_id or 0) for body, trace_id, span_id in result["exported"]
    }
    expected = {name: ids[name] for name in ("first", "second", "third")} | {"outside": (0, 0)}
    assert written == expected
    assert exported == expected


def test_the_memory_of_a_record_is_no_attribute_of_what_is_exported(run_program: Run) -> None:
    program = """
with tracer.start_as_current_span("order"):
    log.info("text", extra={"customer": "ann"})
print(dict(exported.get_finished_logs()[0].log_record.attributes))
"""
    result = run_program(SET_UP + program, check=True)
    assert result.stdout.strip() == "{'customer': 'ann'}"
