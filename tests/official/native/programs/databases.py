"""Our instrumentations of databases: every span and metric as contrib's, in all conventions."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from typing import Any

from declare import Run, program
from programs.signals import Signals

TABLE = "CREATE TEMPORARY TABLE orders (id INTEGER, item TEXT)"


def address(run: Run) -> dict[str, Any]:
    port = os.environ["POSTGRES_PORT"]
    run.hide(port, "<port>")
    return {"host": "127.0.0.1", "port": int(port), "user": "postgres"}


def use(run: Run, connection: Any, error_type: type[Exception]) -> None:
    cursor = connection.cursor()
    cursor.execute(TABLE)
    cursor.executemany("INSERT INTO orders VALUES (%s, %s)", [(1, "ä"), (2, "b")])
    cursor.execute("SELECT * FROM orders WHERE id = %s", (1,))
    run.observe("orders", cursor.fetchall())
    try:
        cursor.execute("SELECT * FROM nowhere")
    except error_type as error:
        run.observe("error", type(error))
    connection.rollback()
    connection.close()


def mongo_server() -> Any:
    """The small server of the other programs of instrumentations."""
    path = Path(__file__).parents[2] / "instrumentations/programs/mongo_server.py"
    spec = util.spec_from_file_location("mongo_server", path)
    assert spec is not None and spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MongoServer()


@contextmanager
def instrumented(run: Run, instrumentor: Any, **options: Any) -> Iterator[Signals]:
    """The instrumentation switched on for the block. The meter provider is the global one, since
    some of contrib's take no other."""
    from opentelemetry.metrics import set_meter_provider

    signals = Signals(run)
    set_meter_provider(signals.meter_provider)
    instrumentor.instrument(tracer_provider=signals.tracer_provider, **options)
    try:
        yield signals
    finally:
        instrumentor.uninstrument()


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database,http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database/dup,http/dup"},
        "new names of databases": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database"},
    }
)
def sqlite3(run: Run) -> None:
    import sqlite3 as library

    from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor

    instrumentor = SQLite3Instrumentor()
    with instrumented(run, instrumentor) as signals, signals.span("work"):
        connection = library.connect(":memory:")
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE orders (id INTEGER, item TEXT)")
        cursor.executemany("/* a */INSERT INTO orders VALUES (?, ?)", [(1, "ä"), (2, "b")])
        run.observe("rows", cursor.execute("SELECT * FROM orders WHERE id = ?", (1,)).fetchall())
        with connection:
            connection.cursor().execute("delete\nfrom orders")
        try:
            cursor.execute("SELECT * FROM nowhere")
        except library.OperationalError as error:
            run.observe("error", str(error))
        connection.close()


@program(
    env={"POSTGRES_PORT": "{postgres}"},
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database,http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database/dup,http/dup"},
    },
)
def psycopg2(run: Run) -> None:
    import psycopg2 as library
    from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
    from psycopg2 import sql

    instrumentor = Psycopg2Instrumentor()
    options = {"enable_commenter": True, "enable_attribute_commenter": True}
    with instrumented(run, instrumentor, **options) as signals, signals.span("work"):
        connection = library.connect(**address(run))
        composed = sql.SQL("SELECT {}").format(sql.Literal("x"))
        with connection.cursor() as cursor:
            cursor.execute(composed)
            run.observe("rows", cursor.fetchall())
        use(run, connection, library.Error)


@program(
    env={"POSTGRES_PORT": "{postgres}"},
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database,http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database/dup,http/dup"},
    },
)
def psycopg(run: Run) -> None:
    import asyncio

    import psycopg as library
    from psycopg import sql

    async def asynchronous() -> None:
        async with await library.AsyncConnection.connect(**address(run)) as connection:
            async with connection.cursor() as cursor:
                await cursor.execute("SELECT %s", (5,))
                run.observe("rows", await cursor.fetchall())
            try:
                await connection.execute("SELECT * FROM nowhere")
            except library.Error as error:
                run.observe("error", type(error))
            await connection.rollback()

    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor

    instrumentor = PsycopgInstrumentor()
    with instrumented(run, instrumentor, capture_parameters=True) as signals:
        with signals.span("work"):
            connection = library.connect(**address(run))
            connection.execute(sql.SQL("SELECT {}").format(sql.Literal("x")))
            connection.execute(b"SELECT 2")
            use(run, connection, library.Error)
        asyncio.run(asynchronous())


@program(
    env={"POSTGRES_PORT": "{postgres}"},
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database/dup"},
    },
)
def asyncpg(run: Run) -> None:
    import asyncio

    import asyncpg as library

    async def main(signals: Any) -> None:
        connection = await library.connect(database="postgres", **address(run))
        with signals.span("work"):
            await connection.execute(TABLE)
            await connection.executemany("INSERT INTO orders VALUES ($1, $2)", [(1, "ä"), (2, "b")])
            run.observe("row", dict(await connection.fetchrow("/* a */ SELECT * FROM orders")))
            statement = await connection.prepare("SELECT $1::int")
            run.observe("value", await statement.fetchval(5))
            async with connection.transaction():
                cursor = await connection.cursor("SELECT item FROM orders")
                run.observe("names", [record[0] for record in await cursor.fetch(5)])
        try:
            await connection.fetch("SELECT * FROM nowhere")
        except library.PostgresError as error:
            run.observe("error", type(error))
        await connection.close()

    from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

    instrumentor = AsyncPGInstrumentor(capture_parameters=True)
    with instrumented(run, instrumentor) as signals:
        asyncio.run(main(signals))


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database,http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database/dup,http/dup"},
    }
)
def sqlalchemy_with_sqlite3(run: Run) -> None:
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
    from sqlalchemy import text
    from sqlalchemy.exc import OperationalError

    instrumentor = SQLAlchemyInstrumentor()
    with instrumented(run, instrumentor) as signals, signals.span("work"):
        from sqlalchemy import create_engine

        engine = create_engine("sqlite:///:memory:")
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE orders (id INTEGER, item TEXT)"))
            rows = [{"id": 1, "item": "ä"}, {"id": 2, "item": "b"}]
            connection.execute(text("INSERT INTO orders VALUES (:id, :item)"), rows)
            rows = connection.execute(text("SELECT * FROM orders WHERE id = :id"), {"id": 1})
            run.observe("rows", [list(row) for row in rows])
            try:
                connection.execute(text("SELECT * FROM nowhere"))
            except OperationalError as error:
                run.observe("error", type(error.orig).__name__)
        engine.dispose()


@program(
    env={"POSTGRES_PORT": "{postgres}"},
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database,http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database/dup,http/dup"},
    },
)
def sqlalchemy_with_postgresql(run: Run) -> None:
    from sqlalchemy import text

    address(run)
    port = os.environ["POSTGRES_PORT"]
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    instrumentor = SQLAlchemyInstrumentor()
    options = {"enable_commenter": True, "enable_attribute_commenter": True}
    with instrumented(run, instrumentor, **options) as signals:
        from sqlalchemy import create_engine

        for driver in ("psycopg", "psycopg2"):
            engine = create_engine(f"postgresql+{driver}://postgres@127.0.0.1:{port}/postgres")
            with signals.span("work"), engine.begin() as connection:
                connection.execute(text(TABLE))
                connection.execute(text("INSERT INTO orders VALUES (:id, 'ä')"), {"id": 1})
                run.observe("rows", [list(row) for row in connection.execute(text("TABLE orders"))])
            engine.dispose()


@program(
    env={"REDIS_PORT": "{redis}"},
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database,http"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database/dup,http/dup"},
    },
)
def redis(run: Run) -> None:
    import asyncio

    import redis as library
    from redis.asyncio import Redis

    def on_request(span: Any, client: Any, args: Any, kwargs: Any) -> None:
        span.set_attribute("hook.request", [str(arg) for arg in args])

    def on_response(span: Any, client: Any, response: Any) -> None:
        span.set_attribute("hook.response", type(response).__name__)

    async def asynchronous() -> None:
        client = Redis(host="127.0.0.1", port=port, db=1)
        run.observe("echo", await client.echo("hello"))
        async with client.pipeline() as pipeline:
            pipeline.echo("a")
            pipeline.echo("b")
            run.observe("pipeline", await pipeline.execute())
        await client.aclose()

    port = int(os.environ["REDIS_PORT"])
    run.hide(port, "<port>")
    from opentelemetry.instrumentation.redis import RedisInstrumentor

    instrumentor = RedisInstrumentor()
    options = {"request_hook": on_request, "response_hook": on_response}
    with instrumented(run, instrumentor, **options) as signals:
        client = library.Redis(host="127.0.0.1", port=port)
        name = f"databases:{os.getpid()}"
        run.hide(name, "<name>")
        with signals.span("work"):
            client.set(name, "value")
            with client.pipeline() as pipeline:
                pipeline.watch(name)
                client.append(name, "x")
                pipeline.multi()
                pipeline.get(name)
                try:
                    pipeline.execute()
                except library.WatchError:
                    run.observe("conflict", True)
            client.mget([name] * 400)
        try:
            client.incr(name)
        except library.ResponseError as error:
            run.observe("error", str(error))
        client.delete(name)
        client.close()
        asyncio.run(asynchronous())


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database"},
        "both names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database/dup"},
    }
)
def pymongo(run: Run) -> None:
    import pymongo as library

    def hook(name: str) -> Any:
        return lambda span, event: span.set_attribute(f"hook.{name}", event.command_name)

    server = mongo_server()
    run.hide(server.port, "<port>")
    from opentelemetry.instrumentation.pymongo import PymongoInstrumentor

    instrumentor = PymongoInstrumentor()
    options = {
        "capture_statement": True,
        "request_hook": hook("request"),
        "response_hook": hook("response"),
        "failed_hook": hook("failed"),
    }
    with instrumented(run, instrumentor, **options) as signals:
        client = library.MongoClient("127.0.0.1", server.port, serverSelectionTimeoutMS=20_000)
        orders = client.shop.orders
        with signals.span("work"):
            orders.insert_many([{"_id": 1, "item": "ä"}, {"_id": 2, "item": "b"}])
            run.observe("found", list(orders.find({"item": "b"})))
            run.observe("count", orders.delete_many({}).deleted_count)
        try:
            client.shop.command("nonsense")
        except library.errors.OperationFailure as error:
            run.observe("error", error.code)
        client.close()
    server.stop()
