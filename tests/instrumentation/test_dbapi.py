"""The functions and classes with which others instrument DB-API modules."""

import asyncio
import logging
from types import SimpleNamespace

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import StatusCode

from instrumentation.database import Recorded, conventions
from oxitel.instrumentation import dbapi
from oxitel.instrumentation.dbapi_cursors import CursorTracer
from oxitel.instrumentation.dbapi_integration import DatabaseApiIntegration
from oxitel.instrumentation.dbapi_proxies import TracedConnectionProxy


class Cursor:
    rowcount = 3

    def __init__(self):
        self.seen = []

    def execute(self, query, params=None):
        self.seen.append(query)
        if query == "FAIL":
            raise ValueError("no")
        return self

    executemany = callproc = execute

    async def execute_async(self, query):
        await asyncio.sleep(0)
        return self.execute(query)


class Connection:
    def __init__(self, database="shop", host="db.example", port="5432", user=b"me"):
        self.database, self.host, self.port, self.user = database, host, port, user
        self.last = None

    def cursor(self):
        self.last = Cursor()
        return self.last


def connected(recorded, module=None, **options):
    """A traced connection of a module."""
    module = module or SimpleNamespace(__name__="driver", __version__="1.2", connect=Connection)
    dbapi.wrap_connect(
        "test",
        module,
        "connect",
        "postgresql",
        tracer_provider=recorded.tracer_provider,
        meter_provider=recorded.meter_provider,
        **options,
    )
    return module.connect()


def test_a_call_of_a_cursor_is_a_span_with_what_the_connection_is_to():
    recorded = Recorded()
    connection = connected(recorded, capture_parameters=True)
    assert isinstance(connection, TracedConnectionProxy) and isinstance(connection, Connection)
    connection.cursor().execute("SELECT %s", (1,))
    (span,) = recorded.spans()
    assert dict(span.attributes) == {
        "db.system": "postgresql",
        "db.name": "shop",
        "db.user": "me",
        "net.peer.name": "db.example",
        "net.peer.port": 5432,
        "db.statement": "SELECT %s",
        "db.statement.parameters": "(1,)",
    }


def test_parameters_without_a_text_are_left_out_and_the_span_is_there():
    class Parameters(tuple):
        __slots__ = ()

        def __repr__(self):
            raise ValueError("no text")

    recorded = Recorded()
    cursor = connected(recorded, capture_parameters=True).cursor()
    cursor.execute("SELECT %s", Parameters((1,)))
    (span,) = recorded.spans()
    assert span.attributes["db.statement"] == "SELECT %s"
    assert "db.statement.parameters" not in span.attributes


@pytest.mark.parametrize(
    ("opt_in", "present", "absent"),
    [
        ("database", {"db.system.name", "net.peer.name"}, {"db.system", "db.user"}),
        ("http", {"db.system", "server.address", "server.port"}, {"net.peer.name"}),
        ("database/dup,http/dup", {"db.name", "db.namespace", "server.port", "net.peer.port"}, ()),
    ],
)
def test_addresses_follow_the_conventions_of_http(monkeypatch, opt_in, present, absent):
    with conventions(monkeypatch, opt_in):
        recorded = Recorded()
        connected(recorded).cursor().execute("SELECT 1")
    (span,) = recorded.spans()
    assert present <= set(span.attributes) and not set(absent) & set(span.attributes)


def test_a_statement_without_a_word_raises_nothing_and_is_named_after_the_database():
    recorded = Recorded()
    cursor = connected(recorded).cursor()
    for statement in ("/* comment */", "  ", "", None, 5):
        cursor.execute(statement)
    assert recorded.names() == ["shop"] * 5


def test_a_statement_that_is_given_by_keyword_is_recorded():
    recorded = Recorded()
    connected(recorded).cursor().execute(query="SELECT 1")
    assert recorded.names() == ["SELECT"]
    assert recorded.spans()[0].attributes["db.statement"] == "SELECT 1"


def test_bytes_are_recorded_as_text():
    recorded = Recorded()
    connected(recorded).cursor().execute(b"SELECT \xff")
    assert recorded.spans()[0].attributes["db.statement"] == "SELECT \ufffd"


def test_failures_reach_the_program_and_the_metric(monkeypatch):
    with conventions(monkeypatch, "database"):
        recorded = Recorded()
        cursor = connected(recorded).cursor()
        with pytest.raises(ValueError, match="no"):
            cursor.execute("FAIL")
        cursor.execute("SELECT 1")
    failed = recorded.spans()[0]
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes["error.type"] == "ValueError"
    points = recorded.points()
    assert {
        point.attributes.get("error.type") for point in points["db.client.operation.duration"]
    } == {
        "ValueError",
        None,
    }
    (rows,) = points["db.client.response.returned_rows"]
    assert rows.sum == 3 and rows.attributes["server.port"] == 5432


def test_comments_are_sent_and_recorded_only_where_that_is_wanted():
    recorded = Recorded()
    cursor = connected(recorded, enable_commenter=True).cursor()
    cursor.execute("SELECT 1;")
    (sent,) = cursor.seen
    (span,) = recorded.spans()
    trace_id = f"{span.context.trace_id:032x}"
    assert sent.startswith("SELECT 1 /*db_driver='driver") and trace_id in sent
    assert sent.endswith("*/;")
    assert span.attributes["db.statement"] == "SELECT 1;"
    recorded = Recorded()
    cursor = connected(recorded, enable_commenter=True, enable_attribute_commenter=True).cursor()
    cursor.execute("SELECT 1")
    assert recorded.spans()[0].attributes["db.statement"] == cursor.seen[0] != "SELECT 1"


def test_suppression_is_heeded():
    recorded = Recorded()
    cursor = connected(recorded).cursor()
    with suppress_instrumentation():
        cursor.execute("SELECT 1")
    assert recorded.spans() == []


def test_what_a_class_overrides_is_asked():
    recorded = Recorded()

    class Tracer(CursorTracer):
        def get_operation_name(self, cursor, args):
            return "named"

        def get_statement(self, cursor, args):
            return super().get_statement(cursor, args).lower()

        def _populate_span(self, span, cursor, *args):
            super()._populate_span(span, cursor, *args)
            span.set_attribute("own", len(args))

    integration = DatabaseApiIntegration("t", "mysql", tracer_provider=recorded.tracer_provider)
    integration.get_connection_attributes(Connection())
    integration.span_attributes["further"] = "x"
    cursor = Cursor()
    Tracer(integration).traced_execution(cursor, cursor.execute, "SELECT 1", 2)
    (span,) = recorded.spans()
    assert span.name == "named"
    assert span.attributes["db.statement"] == "select 1"
    assert (span.attributes["own"], span.attributes["further"]) == (2, "x")


def test_what_it_overrides_raises_nothing_into_the_program(caplog):
    recorded = Recorded()

    class Tracer(CursorTracer):
        def get_statement(self, cursor, args):
            raise RuntimeError("broken")

    integration = DatabaseApiIntegration("t", "mysql", tracer_provider=recorded.tracer_provider)
    cursor = Cursor()
    assert Tracer(integration).traced_execution(cursor, cursor.execute, "SELECT 1") is cursor
    assert len(recorded.spans()) == 1


def test_attributes_that_an_integration_adds_are_recorded():
    recorded = Recorded()

    class Integration(DatabaseApiIntegration):
        def get_connection_attributes(self, connection):
            super().get_connection_attributes(connection)
            self.span_attributes["db.version"] = "9"

    connected(recorded, db_api_integration_factory=Integration).cursor().execute("SELECT 1")
    assert recorded.spans()[0].attributes["db.version"] == "9"


def test_a_coroutine_is_a_span_until_it_ends():
    recorded = Recorded()
    integration = DatabaseApiIntegration("t", "mysql", tracer_provider=recorded.tracer_provider)
    tracer, cursor = CursorTracer(integration), Cursor()

    async def main():
        await tracer.traced_execution_async(cursor, cursor.execute_async, "SELECT 1")
        with pytest.raises(ValueError, match="no"):
            await tracer.traced_execution_async(cursor, cursor.execute_async, "FAIL")

    asyncio.run(main())
    assert recorded.names() == ["SELECT", "FAIL"]
    assert recorded.spans()[1].status.status_code is StatusCode.ERROR


def test_one_connection_is_instrumented_once(caplog):
    connection = Connection()
    traced = dbapi.instrument_connection("test", connection, "mysql")
    assert dbapi.instrument_connection("test", traced, "mysql") is traced
    assert dbapi.uninstrument_connection(traced) is connection
    with caplog.at_level(logging.WARNING):
        assert dbapi.uninstrument_connection(connection) is connection
    assert "Connection is not instrumented" in caplog.text
