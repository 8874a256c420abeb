"""A statement of asyncpg with the instrumentation of it, over one without; a server answers."""

import asyncio

import asyncpg
import postgresql
from measure import measure
from pipeline import instrumentation, make_provider

provider = make_provider()
address = postgresql.started()
loop = asyncio.new_event_loop()
connection = loop.run_until_complete(asyncpg.connect(**address))
instrumentor = instrumentation("asyncpg").AsyncPGInstrumentor()


async def execute(count: int) -> None:
    for _number in range(count):
        await connection.execute("SELECT 1")


def work(count: int) -> None:
    # It is the class that is instrumented, for all connections.
    instrumentor.instrument(tracer_provider=provider)
    loop.run_until_complete(execute(count))


def empty(count: int) -> None:
    instrumentor.uninstrument()
    loop.run_until_complete(execute(count))


measure(provider, work, empty)
