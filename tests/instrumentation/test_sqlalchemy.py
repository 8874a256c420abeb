"""SQLAlchemy: which engines are traced, what is current in the span, what the program is spared."""

import asyncio
import sqlite3
import subprocess
import sys
from typing import Any

import pytest
import sqlalchemy
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError

from instrumentation.database import Recorded, switched_on
from oxitel.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from oxitel.instrumentation.sqlalchemy_engine import EngineTracer
from oxitel.instrumentation.sqlite3 import SQLite3Instrumentor


@pytest.fixture
def recorded():
    with switched_on(SQLAlchemyInstrumentor()) as recorded:
        yield recorded


def run(engine, statement="SELECT 1"):
    with engine.connect() as connection:
        return connection.execute(text(statement)).scalar()


def test_a_statement_is_a_span_under_the_connections(recorded):
    engine = create_engine("sqlite:///:memory:")
    assert run(engine) == 1
    connect, select = recorded.spans()
    assert (connect.name, select.name) == ("connect", "SELECT :memory:")
    assert select.kind is SpanKind.CLIENT
    assert dict(select.attributes) == {
        "db.system": "sqlite",
        "db.name": ":memory:",
        "db.statement": "SELECT 1",
        "db.operation": "SELECT :memory:",
    }
    engine.dispose()


def test_engines_that_exist_already_are_instrumented():
    engine = create_engine("sqlite://")
    with switched_on(SQLAlchemyInstrumentor()) as recorded:
        run(engine)
        assert recorded.names() == ["connect", "SELECT"]
    run(engine)
    assert len(recorded.spans()) == 2
    engine.dispose()


def test_an_engine_is_traced_once_however_often_it_is_given(recorded):
    engine = create_engine("sqlite://")
    EngineTracer(recorded.tracer, engine, recorded.meter_provider.get_meter("t"))
    run(engine.execution_options(isolation_level="AUTOCOMMIT"))
    assert recorded.names() == ["connect", "SELECT"]
    engine.dispose()


def test_an_engine_with_asyncio_makes_one_span_a_statement(recorded):
    pytest.importorskip("aiosqlite")
    from sqlalchemy.ext.asyncio import create_async_engine

    async def main():
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        await asyncio.gather(*(ask(engine, number) for number in range(5)))
        await engine.dispose()

    async def ask(engine, number):
        with recorded.tracer.start_as_current_span(f"task {number}"):
            async with engine.connect() as connection:
                await connection.execute(text(f"SELECT {number}"))

    asyncio.run(main())
    spans = recorded.spans()
    assert recorded.names().count("SELECT") == 6
    names = {span.context.span_id: span.name for span in spans}
    for span in spans:
        if span.name == "SELECT" and span.parent is not None:
            number = span.attributes["db.statement"][-1]
            assert names[span.parent.span_id] == f"task {number}"


def test_the_drivers_spans_are_inside(recorded):
    with switched_on(SQLite3Instrumentor()) as driver:
        engine = create_engine("sqlite://")
        run(engine)
        engine.dispose()
    (inner,) = [span for span in driver.spans() if span.name == "SELECT"]
    (outer,) = [span for span in recorded.spans() if span.name == "SELECT"]
    assert inner.parent.span_id == outer.context.span_id


def test_what_the_dialect_asks_for_itself_is_not_traced(recorded):
    engine = create_engine("sqlite://")
    asked = []
    initialize = engine.dialect.initialize

    def initializing(connection):
        asked.append(connection.exec_driver_sql("SELECT 2").scalar())
        return initialize(connection)

    engine.dialect.initialize = initializing
    run(engine)
    assert asked == [2]
    assert "SELECT 1" in [span.attributes.get("db.statement") for span in recorded.spans()]
    engine.dispose()


def test_a_failure_is_said_by_its_status_alone(recorded):
    engine = create_engine("sqlite://")
    with pytest.raises(OperationalError):
        run(engine, "SELECT * FROM nowhere")
    span = recorded.spans()[-1]
    assert span.status.status_code is StatusCode.ERROR
    assert (span.status.description, span.events) == ("no such table: nowhere", ())
    engine.dispose()


def test_comments_reach_the_database(recorded):
    SQLAlchemyInstrumentor().uninstrument()
    with switched_on(SQLAlchemyInstrumentor(), enable_commenter=True) as recorded:
        engine = create_engine("sqlite://")
        sent = []

        @event.listens_for(engine, "connect")
        def trace_statements(connection, _record):
            connection.set_trace_callback(sent.append)

        run(engine)
        engine.dispose()
    span = recorded.spans()[-1]
    assert f"{span.context.span_id:016x}" in sent[-1]
    assert "db_framework='sqlalchemy" in sent[-1]
    assert span.attributes["db.statement"] == "SELECT 1"


def test_statements_without_a_word_are_harmless(recorded):
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("/* nothing */")
        connection.exec_driver_sql("-- a\n/* b */ SELECT 1")
    assert recorded.names() == ["connect", "sqlite", "SELECT"]
    engine.dispose()


def test_the_span_is_current_while_the_driver_works(recorded):
    engine = create_engine("sqlite://")

    @event.listens_for(engine, "connect")
    def add(connection: sqlite3.Connection, _record):
        connection.create_function("inner_name", 0, lambda: trace.get_current_span().name)

    assert run(engine, "SELECT inner_name()") == "SELECT"
    assert not trace.get_current_span().is_recording()
    engine.dispose()


def test_connections_are_counted(recorded):
    engine = create_engine("sqlite://", pool_logging_name="pool")
    run(engine)
    points = recorded.points()["db.client.connections.usage"]
    assert {point.attributes["state"]: point.value for point in points} == {"idle": 1, "used": 0}
    assert {point.attributes["pool.name"] for point in points} == {"pool"}
    engine.dispose()


def test_an_engine_is_let_go_of():
    import gc
    import weakref

    with switched_on(SQLAlchemyInstrumentor()):
        engine = create_engine("sqlite://")
        run(engine)
        engine.dispose()
        gone = weakref.ref(engine)
        del engine
        gc.collect()
        assert gone() is None
        assert not EngineTracer._remove_event_listener_params


def test_the_version_2_1_is_instrumented():
    from packaging.requirements import Requirement

    from oxitel.instrumentation.sqlalchemy import _instruments

    (requirement,) = map(Requirement, _instruments)
    assert all(version in requirement.specifier for version in ("1.4.54", "2.0.58", "2.1.9"))
    assert sqlalchemy.__version__ in requirement.specifier


def test_functions_imported_before_are_traced_too():
    program = (
        "from sqlalchemy import create_engine, text\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor\n"
        "from oxitel.instrumentation.sqlalchemy import SQLAlchemyInstrumentor\n"
        "provider = TracerProvider()\n"
        "provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(\n"
        "    formatter=lambda span: span.name + '\\n')))\n"
        "SQLAlchemyInstrumentor().instrument(tracer_provider=provider)\n"
        "create_engine('sqlite://').connect().execute(text('SELECT 1'))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert finished.stdout.split() == ["connect", "SELECT"]


def test_suppressed_is_suppressed(recorded):
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    engine = create_engine("sqlite://")
    with suppress_instrumentation():
        run(engine)
    assert recorded.spans() == []
    engine.dispose()


def test_a_tracer_of_ones_own_is_used():
    recorded = Recorded()
    engine = create_engine("sqlite://")
    counter = recorded.meter_provider.get_meter("t").create_up_down_counter("connections")
    EngineTracer(recorded.tracer, engine, counter)
    run(engine)
    EngineTracer.remove_all_event_listeners()
    run(engine)
    assert recorded.names() == ["SELECT"]
    engine.dispose()


def test_an_engine_takes_every_argument_of_its_own(run_program: Any) -> None:
    program = """
from oxitel.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
SQLAlchemyInstrumentor().instrument()
import sqlalchemy
engine = sqlalchemy.create_engine(
    "sqlite://", echo=False, hide_parameters=True, logging_name="shop", query_cache_size=7,
    execution_options={"isolation_level": "AUTOCOMMIT"},
)
print(engine.hide_parameters, engine.logging_name, dict(engine.get_execution_options()))
"""
    result = run_program(program)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "True shop {'isolation_level': 'AUTOCOMMIT'}\n"
