"""opentelemetry-instrumentation-psycopg, -psycopg2, -asyncpg and -sqlalchemy: PostgreSQL."""

import os
from typing import Any

from declare import Run, program
from programs.signals import instrumented

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
    run.observe("rows", cursor.fetchall())
    try:
        cursor.execute("SELECT * FROM nowhere")
    except error_type as error:
        run.observe("error", type(error))
    connection.rollback()
    connection.close()


@program(
    env={"POSTGRES_PORT": "{postgres}"},
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database"},
    },
)
def psycopg2(run: Run) -> None:
    import psycopg2 as library
    from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor

    instrumentor = Psycopg2Instrumentor()
    with instrumented(run, instrumentor, enable_commenter=True) as signals, signals.span("work"):
        use(run, library.connect(**address(run)), library.Error)


@program(env={"POSTGRES_PORT": "{postgres}"})
def psycopg(run: Run) -> None:
    import asyncio

    import psycopg as library
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor

    async def asynchronous() -> None:
        async with await library.AsyncConnection.connect(**address(run)) as connection:
            async with connection.cursor() as cursor:
                await cursor.execute("SELECT %s", (5,))
                run.observe("rows", await cursor.fetchall())

    instrumentor = PsycopgInstrumentor()
    with instrumented(run, instrumentor, capture_parameters=True) as signals:
        with signals.span("work"):
            use(run, library.connect(**address(run)), library.Error)
        asyncio.run(asynchronous())


@program(env={"POSTGRES_PORT": "{postgres}"})
def asyncpg(run: Run) -> None:
    import asyncio

    import asyncpg as library
    from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

    async def main(signals: Any) -> None:
        connection = await library.connect(database="postgres", **address(run))
        with signals.span("work"):
            await connection.execute(TABLE)
            await connection.executemany("INSERT INTO orders VALUES ($1, $2)", [(1, "ä"), (2, "b")])
            run.observe("row", dict(await connection.fetchrow("SELECT * FROM orders")))
            async with connection.transaction():
                names = [record[0] async for record in connection.cursor("SELECT item FROM orders")]
                run.observe("names", names)
        try:
            await connection.fetch("SELECT * FROM nowhere")
        except library.PostgresError as error:
            run.observe("error", type(error))
        await connection.close()

    with instrumented(run, AsyncPGInstrumentor(capture_parameters=True)) as signals:
        asyncio.run(main(signals))


@program(env={"POSTGRES_PORT": "{postgres}"})
def sqlalchemy(run: Run) -> None:
    """SQLAlchemy's instrumentation, with psycopg below."""
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
    from sqlalchemy import create_engine, text

    address(run)
    port = os.environ["POSTGRES_PORT"]
    with instrumented(run, SQLAlchemyInstrumentor(), enable_commenter=True) as signals:
        engine = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres")
        with signals.span("work"), engine.begin() as connection:
            connection.execute(text(TABLE))
            connection.execute(text("INSERT INTO orders VALUES (:id, 'ä')"), {"id": 1})
            run.observe("rows", [list(row) for row in connection.execute(text("TABLE orders"))])
        engine.dispose()
