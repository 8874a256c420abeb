"""sqlite3: what is traced, what stays as it was, and what the program is spared."""

import sqlite3

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from instrumentation.database import Recorded, conventions, switched_on
from oxitel.instrumentation.sqlite3 import SQLite3Instrumentor


@pytest.fixture
def recorded():
    with switched_on(SQLite3Instrumentor()) as recorded:
        yield recorded


@pytest.fixture
def connection(recorded):
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


def test_a_statement_is_a_span_named_by_its_first_word(recorded, connection):
    connection.cursor().execute("create table t (a)")
    (span,) = recorded.spans()
    assert (span.name, span.kind) == ("create", SpanKind.CLIENT)
    assert dict(span.attributes) == {"db.system": "sqlite", "db.statement": "create table t (a)"}


def test_the_shortcuts_of_a_connection_are_traced(recorded, connection):
    connection.execute("CREATE TABLE t (a)")
    connection.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    connection.executescript("DELETE FROM t; SELECT 1")
    assert recorded.names() == ["CREATE", "INSERT", "DELETE"]


def test_a_connection_stays_one_for_the_module_that_made_it(connection):
    assert isinstance(connection, sqlite3.Connection)
    assert type(connection).__name__ == "Connection"
    with sqlite3.connect(":memory:") as copy:
        connection.backup(copy)
    copy.close()
    assert isinstance(connection.cursor(), sqlite3.Cursor)


def test_cursors_and_connections_of_the_programs_own_classes_are_traced(recorded):
    class Cursor(sqlite3.Cursor):
        def execute(self, sql, *parameters):
            return super().execute(sql.replace("two", "2"), *parameters)

    class Connection(sqlite3.Connection):
        def cursor(self):
            return super().cursor(Cursor)

    connection = sqlite3.connect(":memory:", factory=Connection)
    cursor = connection.cursor()
    assert isinstance(connection, Connection) and isinstance(cursor, Cursor)
    assert cursor.execute("SELECT two").fetchone() == (2,)
    connection.close()
    assert [span.attributes["db.statement"] for span in recorded.spans()] == ["SELECT two"]


def test_a_row_factory_is_kept(connection):
    connection.row_factory = sqlite3.Row
    assert connection.cursor().execute("SELECT 1 AS a").fetchone()["a"] == 1


def test_a_failure_is_an_event_and_an_error_with_its_type(recorded, connection, monkeypatch):
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT * FROM nowhere")
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "OperationalError: no such table: nowhere"
    assert span.events[0].attributes["exception.type"] == "sqlite3.OperationalError"
    assert "error.type" not in span.attributes
    with conventions(monkeypatch, "database"), switched_on_anew() as recorded:
        with sqlite3.connect(":memory:") as other, pytest.raises(sqlite3.OperationalError):
            other.execute("SELECT * FROM nowhere")
        other.close()
        assert recorded.spans()[0].attributes["error.type"] == "OperationalError"
        (point,) = recorded.points()["db.client.operation.duration"]
        assert point.attributes["error.type"] == "OperationalError"


def switched_on_anew(**arguments):
    SQLite3Instrumentor().uninstrument()
    return switched_on(SQLite3Instrumentor(), **arguments)


def test_statements_without_a_word_are_named_after_the_database(recorded, connection):
    for statement in ("/* nothing */", "-- nothing", " \n", ""):
        connection.execute(statement)
    connection.execute("/* a */ -- b\n  SELECT 1")
    assert recorded.names() == ["sqlite"] * 4 + ["SELECT"]


def test_the_span_is_current_in_functions_that_the_statement_calls(recorded, connection):
    connection.create_function("inner_name", 0, lambda: trace.get_current_span().name)
    assert connection.execute("SELECT inner_name()").fetchone() == ("SELECT",)
    assert not trace.get_current_span().is_recording()


def test_statements_of_a_megabyte_and_with_lone_surrogates_are_harmless(recorded, connection):
    connection.execute("SELECT 1 /*" + "x" * 1_000_000 + "*/")
    # The latter before Python 3.11.
    with pytest.raises((UnicodeEncodeError, sqlite3.Warning)):
        connection.execute("SELECT '\ud800'")
    assert recorded.names() == ["SELECT", "SELECT"]


def test_misuse_raises_what_it_always_did(connection):
    for arguments in ((), (1,), ("SELECT ?", 1, 2)):
        with pytest.raises(TypeError):
            connection.cursor().execute(*arguments)


def test_durations_and_rows_have_buckets_that_fit_databases(monkeypatch):
    with conventions(monkeypatch, "database"), switched_on(SQLite3Instrumentor()) as recorded:
        with sqlite3.connect(":memory:") as connection:
            connection.execute("CREATE TABLE t (a)")
            connection.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
        connection.close()
        points = recorded.points()
    durations = points["db.client.operation.duration"]
    assert durations[0].explicit_bounds[:3] == (0.001, 0.005, 0.01)
    attributes = {"db.system.name": "sqlite", "db.operation.name": "INSERT"}
    assert [point for point in durations if dict(point.attributes) == attributes]
    (rows,) = points["db.client.response.returned_rows"]
    assert (rows.sum, dict(rows.attributes)) == (2, attributes)
    assert rows.explicit_bounds[:4] == (1, 2, 5, 10)


def test_literals_are_left_out_where_that_is_wanted(monkeypatch):
    statement = "SELECT 'secret', 5, \"name\" FROM (SELECT 1 AS name)"
    monkeypatch.setenv("OTEL_PYTHON_INSTRUMENTATION_SANITIZE_SQL", "true")
    with switched_on(SQLite3Instrumentor()) as recorded:
        sqlite3.connect(":memory:").execute(statement).connection.close()
        (span,) = recorded.spans()
    assert span.attributes["db.statement"] == 'SELECT ?, ?, "name" FROM (SELECT ? AS name)'
    with switched_on(SQLite3Instrumentor(), sanitize_query=False) as recorded:
        sqlite3.connect(":memory:").execute(statement).connection.close()
        (span,) = recorded.spans()
    assert span.attributes["db.statement"] == statement


def test_unsampled_statements_are_measured(monkeypatch):
    with (
        conventions(monkeypatch, "database"),
        switched_on(SQLite3Instrumentor(), ALWAYS_OFF) as recorded,
    ):
        sqlite3.connect(":memory:").execute("SELECT 1").connection.close()
        assert recorded.spans() == []
        assert recorded.points()["db.client.operation.duration"][0].count == 1


def test_one_connection_is_instrumented_and_uninstrumented(recorded, connection):
    instrumentor = SQLite3Instrumentor()
    assert instrumentor.uninstrument_connection(connection) is connection
    connection.execute("SELECT 1")
    assert recorded.spans() == []
    assert instrumentor.instrument_connection(connection) is connection
    connection.execute("SELECT 1")
    assert recorded.names() == ["SELECT"]


def test_a_connection_made_before_is_given_a_proxy():
    recorded = Recorded()
    plain = sqlite3.connect(":memory:")
    traced = SQLite3Instrumentor().instrument_connection(plain, recorded.tracer_provider)
    traced.cursor().execute("SELECT 1")
    assert recorded.names() == ["SELECT"]
    assert SQLite3Instrumentor().uninstrument_connection(traced) is plain
    plain.close()


def test_nothing_is_left_after_switching_off():
    before = sqlite3.connect
    with switched_on(SQLite3Instrumentor()) as recorded:
        assert sqlite3.connect is not before
    assert sqlite3.connect is before and sqlite3.dbapi2.connect is before
    sqlite3.connect(":memory:").execute("SELECT 1").connection.close()
    assert recorded.spans() == []


def test_under_somebody_elses_wrapper_it_is_switched_off():
    before = sqlite3.connect
    with switched_on(SQLite3Instrumentor()) as recorded:
        ours = sqlite3.connect
        sqlite3.connect = lambda *args, **kwargs: ours(*args, **kwargs)
    try:
        connection = sqlite3.connect(":memory:")
        connection.execute("SELECT 1")
        connection.close()
        assert recorded.spans() == []
    finally:
        sqlite3.connect = before
