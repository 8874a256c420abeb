"""psycopg2, psycopg and asyncpg with a real PostgreSQL: which cursors are traced, how they end."""

import asyncio

import psycopg
import psycopg2
import psycopg2.extras
import pytest
from opentelemetry.trace import StatusCode

from instrumentation.database import conventions, switched_on
from official.instrumentations.servers import Servers
from oxitel.instrumentation.asyncpg import AsyncPGInstrumentor
from oxitel.instrumentation.psycopg import PsycopgInstrumentor
from oxitel.instrumentation.psycopg2 import Psycopg2Instrumentor


@pytest.fixture(scope="module")
def address():
    servers = Servers()
    yield {"host": "127.0.0.1", "port": int(servers["{postgres}"]), "user": "postgres"}
    servers.stop()


def test_cursors_of_psycopg2_are_traced_whatever_makes_them(address):
    with switched_on(Psycopg2Instrumentor()) as recorded:
        connection = psycopg2.connect(**address)
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute("SELECT 1 AS a")
            assert dict(cursor.fetchone()) == {"a": 1}
            assert isinstance(cursor, psycopg2.extras.RealDictCursor)
        connection.cursor_factory = psycopg2.extras.NamedTupleCursor
        with connection.cursor() as cursor:
            cursor.execute("SELECT 2 AS a")
            assert cursor.fetchone().a == 2
        with connection.cursor("named") as cursor:
            cursor.execute("SELECT 3")
            assert cursor.fetchone() == (3,)
        connection.close()
        factory = psycopg2.extras.RealDictConnection
        with psycopg2.connect(connection_factory=factory, **address) as connection:
            assert isinstance(connection, factory)
            with connection.cursor() as cursor:
                cursor.execute("SELECT 4 AS a")
                assert cursor.fetchone()["a"] == 4
        connection.close()
    assert recorded.names() == ["SELECT"] * 4
    assert dict(recorded.spans()[0].attributes) == {
        "db.system": "postgresql",
        "db.name": "postgres",
        "db.user": "postgres",
        "net.peer.name": "127.0.0.1",
        "net.peer.port": address["port"],
        "db.statement": "SELECT 1 AS a",
    }


def test_a_connection_of_psycopg2_stays_one_for_the_module_that_made_it(address):
    with switched_on(Psycopg2Instrumentor()):
        connection = psycopg2.connect(**address)
        assert isinstance(connection, psycopg2.extensions.connection)
        psycopg2.extensions.register_type(psycopg2.extensions.UNICODE, connection)
        psycopg2.extras.register_uuid(conn_or_curs=connection)
        connection.close()


def test_one_connection_of_psycopg2(address):
    with psycopg2.connect(**address) as connection, switched_on(Psycopg2Instrumentor()):
        traced = psycopg2.connect(**address)
    instrumentor = Psycopg2Instrumentor()
    for one in (connection, traced):
        instrumentor.uninstrument_connection(one)
        assert instrumentor.instrument_connection(one) is one
        assert instrumentor.instrument_connection(one) is one
        one.cursor().execute("SELECT 1")
        instrumentor.uninstrument_connection(one)
        one.close()


def test_cursors_on_the_server_are_traced(address):
    with switched_on(PsycopgInstrumentor()) as recorded:
        with psycopg.connect(**address) as connection:
            with connection.cursor("named") as cursor:
                cursor.execute("SELECT 1")
                assert cursor.fetchone() == (1,)
            assert connection.execute("SELECT 2").fetchone() == (2,)

        async def main():
            connecting = psycopg.AsyncConnection.connect(**address)
            async with await connecting as connection, connection.cursor("named") as cursor:
                await cursor.execute("SELECT 3")
                assert await cursor.fetchone() == (3,)

        asyncio.run(main())
    assert recorded.names() == ["SELECT"] * 3


def test_a_cancelled_call_of_psycopg_ends_its_span(address):
    with switched_on(PsycopgInstrumentor()) as recorded:

        async def main():
            connecting = psycopg.AsyncConnection.connect(**address)
            async with await connecting as connection:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(connection.execute("SELECT pg_sleep(30)"), 0.3)

        asyncio.run(main())
    (span,) = recorded.spans()
    assert span.name == "SELECT" and span.end_time > span.start_time


def test_composed_statements_are_rendered(address):
    from psycopg2 import sql

    with switched_on(Psycopg2Instrumentor()) as recorded:
        connection = psycopg2.connect(**address)
        connection.cursor().execute(sql.SQL("SELECT 1"))
        connection.cursor().execute(sql.SQL("SELECT {}").format(sql.Literal("x")))
        connection.close()
    shown = [span.attributes["db.statement"] for span in recorded.spans()]
    assert shown == ["SELECT 1", "SELECT 'x'"]


def test_calls_are_measured_by_the_providers_meter(address, monkeypatch):
    with conventions(monkeypatch, "database,http"):
        with switched_on(PsycopgInstrumentor()) as recorded:
            with psycopg.connect(**address) as connection:
                connection.execute("SELECT 1")
        (point,) = recorded.points()["db.client.operation.duration"]
    assert point.attributes["server.address"] == "127.0.0.1"
    assert point.attributes["db.operation.name"] == "SELECT"


def test_rows_of_asyncpg_that_are_there_already_are_no_spans(address):
    import asyncpg

    async def main():
        connection = await asyncpg.connect(database="postgres", **address)
        async with connection.transaction():
            rows = connection.cursor("SELECT generate_series(1, 120)", prefetch=50)
            assert [row[0] async for row in rows] == list(range(1, 121))
        await connection.close()

    with switched_on(AsyncPGInstrumentor()) as recorded:
        asyncio.run(main())
    assert 3 <= recorded.names().count("CURSOR: SELECT") <= 4


def test_calls_of_asyncpg_by_keyword_and_without_a_word_are_harmless(address):
    import asyncpg

    async def main():
        connection = await asyncpg.connect(database="postgres", **address)
        assert await connection.fetchval(query="SELECT 1") == 1
        await connection.fetch("/* nothing */")
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("SELECT * FROM nowhere")
        await connection.close()

    with switched_on(AsyncPGInstrumentor()) as recorded:
        asyncio.run(main())
    assert recorded.names()[:2] == ["SELECT", "postgres"]
    assert recorded.spans()[-1].status.status_code is StatusCode.ERROR


def test_statements_of_asyncpg_say_the_database_of_their_own_connection(address):
    import asyncpg

    async def main():
        first = await asyncpg.connect(database="postgres", **address)
        second = await asyncpg.connect(database="template1", **address)
        for connection in (first, second, first):
            await connection.execute("SELECT 1")
            prepared = await connection.prepare("SELECT 2")
            await prepared.fetchval()
        await first.close()
        await second.close()

    with switched_on(AsyncPGInstrumentor()) as recorded:
        asyncio.run(main())
    names = [span.attributes["db.name"] for span in recorded.spans()]
    assert names == [*["postgres"] * 2, *["template1"] * 2, *["postgres"] * 2]


def test_a_parameter_of_asyncpg_without_a_text_costs_no_span(address):
    import asyncpg

    class Text(str):
        __slots__ = ()

        def __repr__(self):
            raise ValueError("no text")

    async def main():
        connection = await asyncpg.connect(database="postgres", **address)
        assert await connection.fetchval("SELECT $1::text", Text("x")) == "x"
        await connection.close()

    with switched_on(AsyncPGInstrumentor(capture_parameters=True)) as recorded:
        asyncio.run(main())
    (span,) = recorded.spans()
    assert span.name == "SELECT" and "db.statement.parameters" not in span.attributes


def test_a_connection_of_asyncpg_that_says_nothing_of_itself_is_traced():
    import asyncpg

    class Connection(asyncpg.Connection):
        __slots__ = ()

        def __init__(self):
            pass

        def __del__(self):
            pass

    async def main():
        with pytest.raises(AttributeError):
            await Connection().execute("SELECT 1")

    with switched_on(AsyncPGInstrumentor(capture_parameters=True)) as recorded:
        asyncio.run(main())
    assert recorded.names() == ["SELECT"]
